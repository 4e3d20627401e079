"""Settings and sources flow in.

The rooms are called in order, and files flow out: the only loops of Andante.
"""
