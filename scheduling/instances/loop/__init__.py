"""Loops of kernels: bundled instances and random ones."""
