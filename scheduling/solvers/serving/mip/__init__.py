"""Serving fleets as mixed-integer programs."""
