"""Simulators: problems that are revealed in time, and the policies that decide meanwhile."""
