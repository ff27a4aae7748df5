"""Training runs under failures, event by event."""
