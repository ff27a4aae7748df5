"""Orders of transactions: annealing, and bounds by paths through cliques."""
