"""Who came to how many sessions, how fast, and when people no longer came."""
