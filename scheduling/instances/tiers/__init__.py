"""Instances of the family ``tiers``."""
