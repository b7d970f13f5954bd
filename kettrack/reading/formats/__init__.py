"""The formats of a cohort folder's tables, one module each; a module registers itself."""
