"""Assignments of tasks to servers: the exact front, greedy rules, an ant colony."""
