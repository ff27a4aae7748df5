"""File formats, generators and bundled instances of the family ``schedule``."""
