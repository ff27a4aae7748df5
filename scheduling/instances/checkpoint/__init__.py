"""Random training runs under failures."""
