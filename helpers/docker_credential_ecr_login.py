"""docker-credential-ecr-login: passwords for Amazon ECR from the AWS identity at hand.

A drop-in for the helper of that name, whose variables keep their meaning.
"""

from __future__ import annotations

from dockcred.protocol import serve
from dockcred.wiring import identity_store


def main() -> None:
    """Serve one request of the docker credential-helper protocol."""
    serve("docker-credential-ecr-login", lambda: identity_store("ecr"))
