"""Compiled kernels of the family memory."""
