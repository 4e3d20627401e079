"""A log of the engine's decisions and another policy flow in.

What that policy would have brought flows out, with an interval, or why this log cannot answer.
"""
