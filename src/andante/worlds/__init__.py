"""A world's name, a number of users and a seed flow in.

What simulated users do, what could be pushed to them, and what comes of every push that is sent flow out; no policy's
code, parameters or assumptions are known here.
"""
