"""The log, as it grows, and surveys of the population flow in.

Series over event time, reasons, campaigns, alarms, drift, lift and fairness flow out, in memory that does not grow.
"""

from andante.monitoring.watch import Watch

__all__ = ["Watch"]
