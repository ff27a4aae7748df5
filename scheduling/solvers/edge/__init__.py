"""Bounds of the utility of tasks for edge and cloud."""
