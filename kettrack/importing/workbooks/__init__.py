"""Sheets to tables: cells as they stand, where the tables are, what a column holds."""
