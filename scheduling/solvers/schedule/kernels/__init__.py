"""Compiled kernels of the family `schedule`; importing a module of this package loads numba."""
