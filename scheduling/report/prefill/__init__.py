"""Charts of prompts on a machine."""
