"""Solvers of federated training."""
