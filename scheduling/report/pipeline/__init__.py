"""Charts of pipelines."""
