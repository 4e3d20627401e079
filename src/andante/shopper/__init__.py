"""The shopper's own page: how often, when and about what; why a push came; complaints; their data, and its end.

Visits behind a signed link go in; pages in plain words, and what shoppers want of us, come out to the engine.
"""
