"""The words of Andante as types: what an event, a message and a fault are, and the codes they are written with.

Nothing flows in; every other room imports these names, so that one word means one thing from file to page.
"""
