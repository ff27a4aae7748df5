"""Charts of orders of transactions."""
