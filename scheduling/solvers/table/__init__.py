"""Solvers of orders of tables."""
