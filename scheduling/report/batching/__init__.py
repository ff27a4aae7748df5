"""Charts of batching."""
