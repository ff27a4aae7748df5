"""Charts of offloading."""
