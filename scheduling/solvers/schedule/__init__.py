"""Solvers of the family ``schedule``."""
