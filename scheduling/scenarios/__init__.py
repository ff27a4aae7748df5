"""The atlas: one small module a published system, run by ``scheduling reproduce``."""
