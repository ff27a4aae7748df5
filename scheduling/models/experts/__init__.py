"""Family ``experts``: replicas of a mixture-of-experts layer's experts on devices."""
