"""Compiled kernels of the search for orders of tables. Importing them loads numba."""
