"""Other conditions beside the main one, two scales on one day, and which symptoms move first."""
