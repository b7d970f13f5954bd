"""The only door in: files or frames to a Cohort."""
