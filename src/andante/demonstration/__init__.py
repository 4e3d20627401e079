"""A demonstration: a few hundred simulated shoppers of the reference world, who live against the service over HTTP.

In flow the moment and the speed that they live at; out flow visits, requests, outcomes, wishes and plans, as a
shop's would.
"""
