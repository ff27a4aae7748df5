"""Random clients of federated training."""
