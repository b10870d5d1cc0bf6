"""The scopes of a token request: any number of `repository:NAME:ACTION,ACTION`."""

from __future__ import annotations

from urllib.parse import parse_qsl

from dockcred.testing.sandbox.azure import wire
from dockcred.testing.sandbox.messages import Request


def access_of(request: Request) -> list[dict[str, object]]:
    """Return all requested scopes in the form of `access` in distribution's tokens."""
    text = request.query if request.method == "GET" else request.body.decode("latin-1")
    asked = [value for name, value in parse_qsl(text) if name == "scope"]
    return [
        {"type": kind, "name": name, "actions": actions.split(",")}
        for kind, name, actions in _parts(" ".join(asked))
    ]


def _parts(scopes: str) -> list[tuple[str, str, str]]:
    found = []
    for scope in scopes.split():
        kind, _, rest = scope.partition(":")
        # A repository's name may contain a registry's port.
        name, _, actions = rest.rpartition(":")
        if kind and name:
            found.append((kind, name, actions))
    return found


def resource_of(scope: str) -> str:
    """Return the resource of the only scope that ends in /.default; else Refusal."""
    wanted = [word for word in scope.split() if word.endswith("/.default")]
    if len(wanted) != 1:
        raise wire.EntraRefusal(
            1002012, "The scope is not that of one resource", "invalid_scope"
        )
    return wanted[0].removesuffix("/.default")
