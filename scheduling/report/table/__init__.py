"""Charts of orders of tables."""
