"""Charts of packings."""
