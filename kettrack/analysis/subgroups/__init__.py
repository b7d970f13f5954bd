"""Answers by group, with the difference between groups and its interval."""
