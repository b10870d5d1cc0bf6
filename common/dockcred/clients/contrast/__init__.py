"""Contrast: its imagepuller's TOML, and the secret that carries it."""
