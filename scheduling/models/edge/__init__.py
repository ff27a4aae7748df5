"""Inference on an edge accelerator or in the cloud, with deadlines and utilities."""
