"""Plasmode simulation: the clinic's own cohort drawn again, with a known effect of sessions."""
