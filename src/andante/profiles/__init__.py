"""Clean events and messages flow in, with a cut-off time after which nothing is looked at.

One row of features per user flows out, and what they mean: personas, and rules between categories.
"""
