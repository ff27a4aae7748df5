"""Charts of jobs on spot capacity."""
