"""Instances of the family ``ordering``."""
