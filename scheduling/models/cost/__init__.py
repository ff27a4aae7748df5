"""What an iteration of a served model costs: descriptions of GPUs and models, and cost models."""
