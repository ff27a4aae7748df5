"""Solver ``filling``: pattern columns over groups of equal nodes, rounded by diving."""
