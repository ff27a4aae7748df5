"""Family ``packing``: sequences of tokens in chunks of one size."""
