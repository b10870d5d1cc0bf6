"""docker-credential-acr-login: Azure registries from the Azure identity at hand.

A drop-in for the helpers of that name, whose variables keep their meaning.
"""

from __future__ import annotations

from dockcred.protocol import serve
from dockcred.wiring import identity_store


def main() -> None:
    """Serve one request of the docker credential-helper protocol."""
    serve("docker-credential-acr-login", lambda: identity_store("acr"))
