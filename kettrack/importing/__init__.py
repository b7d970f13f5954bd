"""Files of other programs to a cohort folder: read, mapped, de-identified, counted."""
