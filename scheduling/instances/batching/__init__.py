"""Instances of the family ``batching``."""
