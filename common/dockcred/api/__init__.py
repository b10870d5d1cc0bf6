"""The library: one credential or many at once, from every source.

The public names are loaded by `dockcred` itself.
"""
