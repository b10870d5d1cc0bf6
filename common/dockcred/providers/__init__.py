"""One package per identity system; no package imports another.

The package `identity` chooses the provider for a host and keeps the cache.
"""
