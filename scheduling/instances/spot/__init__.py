"""Random spot capacity."""
