"""The engine in a process: calls from any number of threads in, decisions that are durable and their reasons out.

What is asked is admitted, stepped at one desk, committed to the log together with what others asked meanwhile, and
only then answered.
"""

from andante.live.clock import SteadyClock
from andante.live.engine import Engine
from andante.live.inspection import Inspection
from andante.live.views import UserView

__all__ = ["Engine", "Inspection", "SteadyClock", "UserView"]
