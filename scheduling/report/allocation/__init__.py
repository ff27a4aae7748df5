"""Charts of allocations."""
