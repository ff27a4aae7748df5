"""Federated training on clients of different speeds."""
