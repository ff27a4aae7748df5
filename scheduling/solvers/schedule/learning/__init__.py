"""Priority rules learned from solved job shops: what they are, and how they are learned."""
