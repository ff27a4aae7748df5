"""Instances of the family ``experts``."""
