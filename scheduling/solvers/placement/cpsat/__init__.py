"""CP-SAT for the family ``placement``: numbers of equal items on nodes."""
