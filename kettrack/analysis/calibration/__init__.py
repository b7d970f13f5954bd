"""Methods run where the truth is known: simulated cohorts like the one at hand, where sessions do
nothing or a point each.
"""
