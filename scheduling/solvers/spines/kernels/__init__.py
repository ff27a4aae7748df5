"""Compiled kernels of the family leaf-spine."""
