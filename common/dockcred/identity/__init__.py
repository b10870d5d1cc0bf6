"""Identities: provider stores, their cache, and the router that chooses one.

Code for one cloud is in `providers`; code for clients' files is in `clients`.
"""
