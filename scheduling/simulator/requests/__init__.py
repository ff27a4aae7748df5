"""Simulation of serving fleets: requests in, iterations of batches, times of every request out."""
