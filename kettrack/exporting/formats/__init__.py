"""Files that a data set is written as, one module each."""
