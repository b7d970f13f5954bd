"""Files of SPSS, Stata and SAS: what is stored, and what its formats say that it is."""
