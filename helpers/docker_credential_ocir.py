"""docker-credential-ocir: tokens for Oracle's registries from Oracle identities."""

from __future__ import annotations

from dockcred.protocol import serve
from dockcred.wiring import identity_store


def main() -> None:
    """Answer one request of the docker credential-helper protocol."""
    serve("docker-credential-ocir", lambda: identity_store("oracle"))
