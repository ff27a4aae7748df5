"""Solvers of checkpoints."""
