"""Jobs of shared clusters: tables of stages, and random ones."""
