"""Charts of rings."""
