"""docker-credential-gitlab: passwords for GitLab's registries from a job or glab."""

from __future__ import annotations

from dockcred.protocol import serve
from dockcred.wiring import identity_store


def main() -> None:
    """Answer one request of the docker credential-helper protocol."""
    serve("docker-credential-gitlab", lambda: identity_store("gitlab"))
