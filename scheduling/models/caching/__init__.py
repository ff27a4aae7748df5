"""Family ``caching``: which sized objects a cache keeps between their uses."""
