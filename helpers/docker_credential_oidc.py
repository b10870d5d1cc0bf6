"""docker-credential-oidc: passwords from a CI job's own ID token, for chosen hosts."""

from __future__ import annotations

from dockcred.protocol import serve
from dockcred.wiring import identity_store


def main() -> None:
    """Serve one request of the docker credential-helper protocol."""
    serve("docker-credential-oidc", lambda: identity_store("oidc"))
