"""Bundled fleets to plan."""
