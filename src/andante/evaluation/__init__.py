"""Predictions and what came true flow in.

Metrics with intervals, calibration and explanations in plain words flow out.
"""
