"""A crowd and ticks of a world flow in: what users did, what came of pushes, what could be sent.

Pushes flow out, chosen by policies that are well known: every claim of Andante is measured against these.
"""
