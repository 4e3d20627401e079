"""What every implementation of a contract has to show: suites that plugin authors run too.

A suite is a base class for pytest. It needs pytest, which the extra ``test`` brings.
"""
