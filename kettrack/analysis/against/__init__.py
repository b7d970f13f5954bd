"""Two clinics, or two periods of one clinic, set beside each other."""
