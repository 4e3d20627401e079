"""A world's name and a policy's name flow in.

What came of the policy in the world flows out, decided by the compiled step over columns, or by the live engine with a
turbulence of duplicates, disorder, delays and crashes between the two.
"""
