"""Time zones as arrays for compiled code: names of IANA zones flow in, tables of their clock changes flow out.

``table`` reads the tzdata package; ``clock`` says what a wall clock shows at any second of 1970 to 2106, and what next.
"""
