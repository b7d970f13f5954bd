"""Data sets after the Analysis Data Model of CDISC, and the doses that they refer to."""
