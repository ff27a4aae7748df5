"""Kubernetes clusters: snapshots as placement problems, and plans as actions."""
