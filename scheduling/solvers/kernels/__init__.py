"""Compiled kernels that those of several families call. Importing them loads numba."""
