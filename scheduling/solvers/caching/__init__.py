"""Solvers of the family ``caching``."""
