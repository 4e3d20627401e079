"""A push and an address flow in; what the provider said of it, in one closed vocabulary, flows out.

One file a provider, one contract for all; nothing here knows why a push goes out, or keeps anything.
"""
