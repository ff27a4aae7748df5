"""Solvers of the family ``ordering``."""
