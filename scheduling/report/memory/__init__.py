"""Charts of memory allocations."""
