"""Solvers of the family ``batching``."""
