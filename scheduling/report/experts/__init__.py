"""Charts of expert placements."""
