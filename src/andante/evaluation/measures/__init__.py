"""What came of policies flows in, by user and week; figures with intervals over users flow out.

Functions take what was lived through (`life.Life`, whose columns are users first), or plain arrays, and never ask how
it came about. Source: 3-methods E.
"""
