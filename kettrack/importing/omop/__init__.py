"""Extracts of the OMOP common data model: its tables, its concepts, and what is read of them."""
