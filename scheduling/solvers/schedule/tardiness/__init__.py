"""Total tardiness on one machine: heuristics, exact decomposition, bounds by relaxation."""
