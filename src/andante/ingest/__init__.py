"""Files of a shop's logs flow in, of any shape that the room knows or is told by a mapping.

One clean table of events (and one of messages) flows out, with a quarantine of bad rows and a quality report.
"""
