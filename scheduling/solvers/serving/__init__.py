"""Solvers of serving fleets."""
