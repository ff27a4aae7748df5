"""Descriptions of GPUs and models, and profiles of measured times, from files."""
