"""Features per user flow in, with what the users did next.

Interest in [0, 1] and a plan of pushes per week flow out, by one family of models a file.
"""
