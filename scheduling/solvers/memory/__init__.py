"""Solvers of the family ``memory``."""
