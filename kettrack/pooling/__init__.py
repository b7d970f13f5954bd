"""Sites send counts instead of rows, and the counts are added up."""
