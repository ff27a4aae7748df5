"""Solvers of the family ``placement``."""
