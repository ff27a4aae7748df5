"""Charts of caches."""
