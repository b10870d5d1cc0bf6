"""Kubernetes: pull secrets."""
