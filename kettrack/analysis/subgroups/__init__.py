"""Any of these by group, with the difference and what it is worth."""
