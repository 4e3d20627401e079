"""Andante learns how often each shopper wants to be pushed, and decides whether a push goes out now, later, or never.

Behaviour events and message logs flow in; a weekly push plan for every user, and the reasons for it, flow out.
"""

__version__ = "0.1.0"
