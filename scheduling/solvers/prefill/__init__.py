"""Solvers of the family ``prefill``."""
