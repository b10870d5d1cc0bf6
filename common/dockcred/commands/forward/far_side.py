"""How the far side reaches the socket: by options for `ssh` and `docker run`."""

from __future__ import annotations

import os
from typing import NamedTuple

from dockcred.stores.forwarded import VARIABLE

_IN_CONTAINER = "/run/dockcred.sock"
_CONTAINERS = frozenset({"docker", "podman", "nerdctl"})
_STARTING = ("run", "create")
_ROOT = 0


class FarSide(NamedTuple):
    """A command with options that lead to the socket.

    `variables` are set for it. `users` are the numbers of users who may ask besides the
    one who runs it. `advice` is printed before it starts.
    """

    command: tuple[str, ...]
    variables: dict[str, str]
    users: frozenset[int] = frozenset()
    advice: str = ""


def prepared(command: tuple[str, ...], path: str) -> FarSide:
    """Return a command with options that lead to the socket, at a path here."""
    program, *rest = command
    name = os.path.basename(program)
    if name == "ssh":
        return _ssh(program, rest, path)
    starting = next((word for word in rest if word in _STARTING), None)
    if name in _CONTAINERS and starting:
        at = rest.index(starting) + 1
        mounted = ("-v", f"{path}:{_IN_CONTAINER}", "-e", f"{VARIABLE}={_IN_CONTAINER}")
        # Root in the container is root to this socket. Allowing root costs nothing:
        # root on this machine could read all our files anyway.
        users = frozenset({_ROOT})
        return FarSide((program, *rest[:at], *mounted, *rest[at:]), {}, users)
    return FarSide(command, {VARIABLE: path})


def _ssh(program: str, rest: list[str], path: str) -> FarSide:
    """Have sshd make a socket with a name that nobody can guess, for its user alone.

    The variable goes by SendEnv: a SetEnv here would replace the person's own SetEnv.
    """
    remote = f"/tmp/dockcred-{os.urandom(8).hex()}.sock"  # noqa: S108 - there, not here
    options = (
        *("-o", "ExitOnForwardFailure=yes", "-o", f"SendEnv={VARIABLE}"),
        *("-R", f"{remote}:{path}"),
    )
    return FarSide(
        (program, *options, *rest),
        {VARIABLE: remote},
        advice=f"where the server does not take the variable (AcceptEnv), type there:"
        f" export {VARIABLE}={remote}",
    )
