"""Where the log is kept: one contract, and the places that keep it.

Flows in: commits, as rows, bodies and bytes. Flows out: the same, in order, after any crash. A store knows the words of
the vocabulary alone: it never steps a state, and never judges what it is given.
"""
