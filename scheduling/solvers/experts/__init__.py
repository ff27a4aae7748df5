"""Solvers of the family ``experts``."""
