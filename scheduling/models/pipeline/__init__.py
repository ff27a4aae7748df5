"""Layers in stages that devices take in turn."""
