"""Solvers of rings."""
