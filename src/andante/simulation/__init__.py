"""A seed and a size flow in.

Behaviour logs that look like a shop's flow out, with nothing in them that a model could know beforehand.
"""
