"""HL7 v2: messages to segments, results to scores, administrations to sessions."""
