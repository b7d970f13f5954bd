"""Prognosis: how well a response can be told beforehand, and for whom it was told well."""
