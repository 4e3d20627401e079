"""The figures of a finished run flow in.

One self-contained page for people flows out.
"""
