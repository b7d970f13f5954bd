"""What the tables of a source could be: a map that a person can look at and change."""
