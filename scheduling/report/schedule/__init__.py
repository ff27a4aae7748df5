"""Charts of the family ``schedule``."""
