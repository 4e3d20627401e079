"""The fast clock: a user's record and one record of the log in, the new state and a decision with its reasons out.

Nothing here knows a clock, a file or chance that is not drawn by name: the same bytes in give the same bytes out.
"""
