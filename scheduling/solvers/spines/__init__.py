"""Solvers of flows over spines."""
