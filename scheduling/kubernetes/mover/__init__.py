"""What changes a live cluster: evictions of a plan, and nudges of pending pods."""
