"""Compiled kernels for one machine; importing a module of this package loads numba."""
