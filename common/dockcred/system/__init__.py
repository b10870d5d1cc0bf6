"""The machine under us: its files, its processes, and what tells it from another.

Nothing of registries, of HTTP or of what is kept is known here.
"""
