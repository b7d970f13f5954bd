"""Dates and record numbers out of the tables: days on each patient's clock, and codes."""
