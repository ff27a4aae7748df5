"""Family ``prefill``: prompts on one machine that give way between operators."""
