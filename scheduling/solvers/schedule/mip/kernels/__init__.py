"""Compiled kernels of the bounds."""
