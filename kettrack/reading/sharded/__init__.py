"""A cohort in buckets of whole patients, checked once and read bucket by bucket."""
