"""Pattern columns: one column says what stands on one node."""
