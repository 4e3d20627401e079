"""Generated data of a stated size flows in.

Ratios measured side by side in one run flow out, as a table and as JSON.
"""
