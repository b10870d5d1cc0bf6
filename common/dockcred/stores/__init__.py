"""Places that keep secrets: one file per place, one matching rule over them all.

What an identity mints is not kept here but in the cache (`identity.cache`).
"""
