"""Policies of instances and fleets, each a small class with the source of its rule."""
