"""The hard limits: a user's record, a candidate and an instant flow in; the earliest second it may go out flows out.

Each rule is one function with one and the same signature; ``judge`` asks them all, in the order of their Reason codes.
"""
