"""A log flows in: an engine's, the Open Bandit sample, or Hillstrom's trial.

What it shows flows out, with intervals, and whether it can be relied on.
"""
