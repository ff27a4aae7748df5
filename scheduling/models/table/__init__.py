"""Tables whose rows become prompts: orders of rows and fields that share prefixes."""
