"""Solvers of the family ``allocation``."""
