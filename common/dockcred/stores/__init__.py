"""Stores: the places that keep secrets, one module each, with one matching rule.

A credential that an identity mints is not kept here, but in `identity.cache`.
"""
