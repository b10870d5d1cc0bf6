"""docker-credential-gcr: passwords for Google's registries from the identity at hand.

A drop-in for the helper of that name; its other verbs name the command to use instead.
"""

from __future__ import annotations

from dockcred.protocol import serve
from dockcred.wiring import identity_store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.protocol import Answer


def _configure_docker(arguments: list[str]) -> tuple[str, int]:
    """Write docker's config.json; start-up scripts call this verb under `set -e`."""
    from dockcred.commands.configure.clients import configure_docker  # noqa: PLC0415

    return configure_docker(arguments)


_GCLOUD = "gcloud auth"
_NO_LOGIN = "there is no login of this helper's own"
_AS_LIBRARIES_DO = (
    "the identity is found as Google's libraries do; to see it, run: dockcred status "
    "gcr.io; to choose, run: dockcred configure identity --registry gcr.io --set "
    "gcloud_configuration=NAME"
)
VERBS: dict[str, Answer] = {
    "configure-docker": _configure_docker,
    "gcr-login": (
        f"{_NO_LOGIN}; run: {_GCLOUD} login, or {_GCLOUD} application-default login",
        1,
    ),
    "gcr-logout": (
        f"{_NO_LOGIN}; run: {_GCLOUD} revoke, or {_GCLOUD} application-default revoke",
        1,
    ),
    "config": (_AS_LIBRARIES_DO, 1),
    "clear": ("run: docker logout gcr.io; for all at once: dockcred cache --clear", 1),
}
"""The other verbs of Google's helper: a function, or an output line and exit status."""


def main() -> None:
    """Serve one request of the docker credential-helper protocol."""
    serve("docker-credential-gcr", lambda: identity_store("google"), VERBS)
