"""One more session: sequential trials among people still coming, their diagnostics and calibration."""
