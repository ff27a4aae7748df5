"""Compiled kernels of the family prefill."""
