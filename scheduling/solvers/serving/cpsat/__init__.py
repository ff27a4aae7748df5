"""Serving fleets as CP-SAT models."""
