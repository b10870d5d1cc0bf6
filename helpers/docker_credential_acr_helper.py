"""docker-credential-acr-helper: Alibaba Cloud's registries from the identity at hand.

A drop-in for the Go helper of that name: it has the same hosts and variables.
"""

from __future__ import annotations

from dockcred.protocol import serve
from dockcred.wiring import identity_store


def main() -> None:
    """Serve one request of the docker credential-helper protocol."""
    serve("docker-credential-acr-helper", lambda: identity_store("alibaba"))
