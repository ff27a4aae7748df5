"""Instances of the family ``prefill``."""
