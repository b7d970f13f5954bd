"""One reader a module: files of one kind to source tables."""
