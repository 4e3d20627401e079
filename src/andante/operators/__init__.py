"""Operators: what people who run the engine do goes in, each with a name; what they did, and may do, comes out.

The books keep an audit chain, campaigns that two people have to agree on, edits of the rules, and shoppers' complaints.
"""

from andante.operators.books import Books

__all__ = ["Books"]
