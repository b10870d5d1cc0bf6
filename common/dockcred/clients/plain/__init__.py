"""Formats of no one client: variables, a password, a pair, Argo CD's.

They hold what the client's files elsewhere hold, and nothing of who reads them.
"""
