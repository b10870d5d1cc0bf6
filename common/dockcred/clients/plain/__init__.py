"""Formats of no one client: variables, a password, a pair, Argo CD's."""
