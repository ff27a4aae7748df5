"""Charts of federated training."""
