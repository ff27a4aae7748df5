"""Measures operators on a GPU that is present, and tells how far formulas are from them."""
