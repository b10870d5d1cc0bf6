"""Podman, skopeo, buildah: auth.json and registries.conf.

What docker writes for them too is in `docker`; their own helpers are not ours.
"""
