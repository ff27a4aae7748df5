"""Rules that assign local steps to clients, event by event."""
