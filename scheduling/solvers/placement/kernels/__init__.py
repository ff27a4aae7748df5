"""Compiled kernels of the family placement."""
