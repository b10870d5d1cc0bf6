"""How the far side comes to the socket: what `ssh` and `docker run` are told for it."""

from __future__ import annotations

import os
from typing import NamedTuple

from dockcred.stores.forwarded import VARIABLE

_IN_CONTAINER = "/run/dockcred.sock"
_CONTAINERS = frozenset({"docker", "podman", "nerdctl"})
_STARTING = ("run", "create")
_ROOT = 0


class FarSide(NamedTuple):
    """A command that leads to the socket.

    `variables` are set for it; `users` may ask besides the one who runs it, and
    `advice` is said before it starts.
    """

    command: tuple[str, ...]
    variables: dict[str, str]
    users: frozenset[int] = frozenset()
    advice: str = ""


def prepared(command: tuple[str, ...], path: str) -> FarSide:
    """Return a command with what leads to the socket at a path of this machine."""
    program, *rest = command
    name = os.path.basename(program)
    if name == "ssh":
        return _ssh(program, rest, path)
    starting = next((word for word in rest if word in _STARTING), None)
    if name in _CONTAINERS and starting:
        at = rest.index(starting) + 1
        mounted = ("-v", f"{path}:{_IN_CONTAINER}", "-e", f"{VARIABLE}={_IN_CONTAINER}")
        # Who is root in the container is root to this socket; who is root here could
        # read all of ours anyway.
        users = frozenset({_ROOT})
        return FarSide((program, *rest[:at], *mounted, *rest[at:]), {}, users)
    return FarSide(command, {VARIABLE: path})


def _ssh(program: str, rest: list[str], path: str) -> FarSide:
    """Have sshd make a socket of a name that nobody knows before, for its user alone.

    Sent rather than set: SetEnv here would take the place of the person's own.
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
