"""Randomised trials: what a holdout shows, when one may look, and whether the split itself can be believed.

An observation is a *user* whose time of observation has ended: users are what was randomised, and one user in several
weeks is one piece of evidence. Source: 3-methods E.
"""
