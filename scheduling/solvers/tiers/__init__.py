"""Solvers of the family ``tiers``."""
