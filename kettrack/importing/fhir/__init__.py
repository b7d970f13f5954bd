"""FHIR R4 and R5: which records hold sessions, scores and patients, and what they say."""
