"""Regressions on rows of many patients, with weights for a bootstrap and errors by patient."""
