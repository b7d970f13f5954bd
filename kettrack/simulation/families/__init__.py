"""Small clinics of other kinds than the synthetic one, in which one decision can be forced."""
