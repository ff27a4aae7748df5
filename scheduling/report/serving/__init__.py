"""Charts of serving plans."""
