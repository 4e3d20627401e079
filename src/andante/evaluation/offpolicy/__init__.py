"""A log of decisions with propensities flows in; what another policy would have brought flows out.

Every estimate comes with an interval and with what it rests on, and a log may say that it cannot answer.
"""
