"""Placing items (pods, VMs, replicas) on nodes with any number of resources."""
