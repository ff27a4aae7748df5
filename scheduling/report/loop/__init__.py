"""Charts of software pipelines."""
