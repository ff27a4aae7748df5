"""Policies that share the cores of a cluster among users, event by event."""
