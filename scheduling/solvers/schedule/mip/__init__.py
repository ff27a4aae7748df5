"""Mixed-integer formulations of the family ``schedule``."""
