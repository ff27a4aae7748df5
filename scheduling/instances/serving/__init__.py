"""Instances of serving fleets."""
