"""Data sets of trials as CDISC lays them out: SDTM and ADaM to tables of the contract."""
