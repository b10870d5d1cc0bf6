"""Podman, skopeo, buildah: auth.json and registries.conf."""
