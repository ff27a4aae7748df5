"""Memory problems: files and generators."""
