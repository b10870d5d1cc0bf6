"""Kubernetes: pull secrets as manifests, rendered and checked.

The API server is asked by `commands.refresh` alone.
"""
