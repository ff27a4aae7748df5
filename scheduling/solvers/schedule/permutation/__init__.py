"""Flow lines: shops in which one order of the jobs, or one per factory, is the whole schedule."""
