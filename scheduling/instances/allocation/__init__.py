"""Instances of the family ``allocation``."""
