"""Solvers of jobs on spot capacity."""
