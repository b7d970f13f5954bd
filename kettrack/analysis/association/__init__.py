"""How the number of sessions goes with the score, in words of association only."""
