"""How problems are solved: one registry of solvers per family and one driver for all."""
