"""Solvers of flows over spines and of rings."""
