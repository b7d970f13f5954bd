"""One more session: sequential trials among people still coming and their diagnostics."""
