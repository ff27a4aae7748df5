"""Cuts of layers into stages."""
