"""What came in: rows and people, what is filled in, who was scored when, and what is missing."""
