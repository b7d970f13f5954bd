"""Methods run where the truth is known: simulated cohorts like the one at hand, in which sessions
do nothing or take a point off each.
"""
