"""The operators' pages: what happens now, plans, campaigns, users, rules, algorithms, the audit trail.

Visits of signed-in operators go in; pages of figures, and what operators decide, come out to the engine and the books.
"""
