"""Bounds of runs of requests that need an engine."""
