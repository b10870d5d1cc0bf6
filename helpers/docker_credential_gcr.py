"""docker-credential-gcr: passwords for Google's registries from the identity at hand.

A drop-in for the helper of that name; its other verbs answer what to use instead.
"""

from __future__ import annotations

from dockcred.protocol import serve
from dockcred.registry_table import identity_store

VERBS = {
    # Start-up scripts call it under `set -e`.
    "configure-docker": (
        "nothing was changed: name gcr under credHelpers in docker's config.json",
        0,
    ),
    "gcr-login": ("use gcloud auth application-default login, or gcloud auth login", 1),
    "gcr-logout": ("use gcloud auth revoke, or its application-default revoke", 1),
    "config": ("the identity is found as Google's libraries do; see the README", 1),
    "clear": ("use docker logout REGISTRY, which drops what is cached for it", 1),
}
"""What the peer's other verbs say, and their exit status."""


def main() -> None:
    """Answer one request of the docker credential-helper protocol."""
    serve("docker-credential-gcr", lambda: identity_store("google"), VERBS)
