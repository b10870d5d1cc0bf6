"""Contrast: its imagepuller's TOML, and the secret that carries it.

A Secret's own form is in `kubernetes`.
"""
