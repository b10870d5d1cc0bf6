"""The arguments of the clouds' own plugins, so that a node's configuration can stay.

    ecr-credential-provider    none, or get-credentials as older documents have it
    acr-credential-provider    /etc/kubernetes/azure.json --registry-mirror=FROM:TO
    auth-provider-gcp          get-credentials --authFlow=gcr --project-id=ID
                               --identity-provider=URL

All forms are understood whatever name the program was installed under.
"""

from __future__ import annotations

from dockcred.errors import InvalidInputError
from dockcred.kubelet import azure_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

COMMAND = "get-credentials"
_VARIABLES = {
    "project-id": "DOCKCRED_GOOGLE_PROJECT",
    "identity-provider": "DOCKCRED_GOOGLE_IDENTITY_PROVIDER",
    "google-audience": "DOCKCRED_GOOGLE_AUDIENCE",
    "google-service-account": "DOCKCRED_GOOGLE_SERVICE_ACCOUNT",
}
_LOGGING = frozenset({"v", "vmodule", "logtostderr", "alsologtostderr"})


class Options:
    """What the arguments say: variables to set, and registries behind mirrors."""

    __slots__ = ("mirrors", "variables")

    def __init__(self) -> None:
        """Begin with nothing."""
        self.variables: dict[str, str] = {}
        self.mirrors: dict[str, str] = {}


def parse(arguments: Sequence[str]) -> Options:
    """Read the arguments; raise InvalidInputError for one that no plugin has."""
    options = Options()
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word.startswith("-"):
            name, equals, value = word.lstrip("-").partition("=")
            if not equals and rest and not rest[0].startswith("-"):
                value = rest.pop(0)
            _take(options, name, value)
        elif word.endswith((".json", ".yaml", ".yml")):
            options.variables |= azure_file.variables(word)
        elif word != COMMAND:
            raise _unknown(word)
    return options


def _take(options: Options, name: str, value: str) -> None:
    if name in _VARIABLES:
        options.variables[_VARIABLES[name]] = value
    elif name == "registry-mirror":
        for pair in value.split(","):
            host, colon, target = pair.partition(":")
            if not (host and colon and target):
                raise InvalidInputError(
                    "--registry-mirror is not FROM:TO", "write HOST:REGISTRY"
                )
            options.mirrors[host] = target
    elif name == "authFlow":
        if value != "gcr":
            raise InvalidInputError(
                "--authFlow is not gcr: passwords in instance metadata are not read",
                "give the node a service account",
            )
    elif name not in _LOGGING:
        raise _unknown(f"--{name}")


def _unknown(word: str) -> InvalidInputError:
    return InvalidInputError(
        f"there is no argument {word!a:.60}",
        f"kubelet's plugins take {COMMAND}, an azure.json and the flags in the README",
    )
