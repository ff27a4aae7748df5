"""Policies that choose between edge and cloud, event by event."""
