"""Stopping after k sessions against stopping after m: clones, censoring, weights."""
