"""What sessions cost, for each person and for each response."""
