"""How long a response lasts: curves, intervals, losses again and again, maintenance."""
