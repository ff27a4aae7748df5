"""Rings of collectives over uneven links."""
