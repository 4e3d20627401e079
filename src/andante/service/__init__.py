"""The service: the engine behind HTTP. A thin face: it reads, asks the engine, and writes.

``routes`` is the table of everything that can be called, ``application`` answers a call, ``running`` starts and ends
the server.
"""
