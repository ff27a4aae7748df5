"""Flows over the spines of a fabric."""
