"""Collectives on networks: flows over the spines of a fabric, rings over uneven links."""
