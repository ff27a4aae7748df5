"""Solvers of the family ``packing``."""
