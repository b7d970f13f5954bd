"""Cohorts larger than memory: made into buckets of whole patients, and asked bucket by bucket."""
