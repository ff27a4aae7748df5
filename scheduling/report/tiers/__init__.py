"""Charts of placements in tiers."""
