"""Instances of the family ``caching``."""
