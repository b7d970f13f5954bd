"""What the words mean: instruments, rules and columns, each fact with its source."""
