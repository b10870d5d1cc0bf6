"""dockcred: docker credential helpers for every registry, on one small core.

Importing this package imports nothing else: a cached `get` pays for what it uses.
"""
