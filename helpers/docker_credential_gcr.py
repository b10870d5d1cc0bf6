"""docker-credential-gcr: passwords for Google's registries from the identity at hand.

A drop-in for the helper of that name; its other verbs answer what to use instead.
"""

from __future__ import annotations

from dockcred.protocol import serve
from dockcred.wiring import identity_store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.protocol import Answer


def _configure_docker(arguments: list[str]) -> tuple[str, int]:
    """Set docker's config.json; start-up scripts call it under `set -e`."""
    from dockcred.commands.configure.clients import configure_docker  # noqa: PLC0415

    return configure_docker(arguments)


VERBS: dict[str, Answer] = {
    "configure-docker": _configure_docker,
    "gcr-login": ("use gcloud auth application-default login, or gcloud auth login", 1),
    "gcr-logout": ("use gcloud auth revoke, or its application-default revoke", 1),
    "config": ("the identity is found as Google's libraries do; see the README", 1),
    "clear": ("use docker logout REGISTRY, which drops what is cached for it", 1),
}
"""What the peer's other verbs do, or say with their exit status."""


def main() -> None:
    """Serve one request of the docker credential-helper protocol."""
    serve("docker-credential-gcr", lambda: identity_store("google"), VERBS)
