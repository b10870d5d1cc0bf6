"""docker-credential-ghcr-login: passwords for GitHub's registries from gh or an App."""

from __future__ import annotations

from dockcred.protocol import serve
from dockcred.wiring import identity_store


def main() -> None:
    """Serve one request of the docker credential-helper protocol."""
    serve("docker-credential-ghcr-login", lambda: identity_store("github"))
