"""Thoughts of suicide, attempts and admissions: who was asked, whose thoughts appeared, grew or
went, and what happened.
"""
