"""Charts of checkpoints."""
