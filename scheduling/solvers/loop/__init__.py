"""Solvers of the family ``loop``."""
