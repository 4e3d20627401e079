"""Words on a command line flow in.

Tables, files and exit codes flow out; all work is done by the rooms below.
"""
