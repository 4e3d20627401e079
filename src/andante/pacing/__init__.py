"""The fast clock: what a push is worth at this moment, whether the plan has room for it, and what waiting is worth.

Every formula, with its units, is on the documentation's page "Pacing". The response of users and the index are of
section D of the methods; the two formulas of feedback are the first seed's, sections 3.5 and 4.5.
"""
