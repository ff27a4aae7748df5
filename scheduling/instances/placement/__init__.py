"""Placement problems from generators and formats."""
