"""Variables: DOCKER_AUTH_CONFIG, and with one registry REGISTRY, …_USER, …_PASSWORD.

For `eval` in a shell; with --for dotenv as plain lines NAME=VALUE, for $GITHUB_ENV,
GitLab's dotenv reports and --env-file. DOCKER_AUTH_CONFIG is read by docker since
28.3, GitLab Runner and Testcontainers.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from dockcred.rendering import docker_config, entries
from dockcred.rendering.login import Login
from dockcred.rendering.options import Options

FILE = "registry.env"
TAKES: tuple[str, ...] = ()
DOTENV = "dotenv"
READERS: tuple[str, ...] = (DOTENV,)


def render(logins: Sequence[Login], options: Options) -> bytes:
    """Write a line for each variable."""
    entries.refuse_tokens(logins, "DOCKER_AUTH_CONFIG")
    write = _plain if options.consumer == DOTENV else _exported
    return "".join(write(*pair) for pair in _variables(logins, options)).encode()


def _variables(logins: Sequence[Login], options: Options) -> Iterator[tuple[str, str]]:
    yield "DOCKER_AUTH_CONFIG", docker_config.render(logins, options).decode()
    if len(logins) == 1:
        (login,) = logins
        yield "REGISTRY", login.reference.containers_key
        yield "REGISTRY_USER", login.credential.username
        yield "REGISTRY_PASSWORD", login.credential.secret


def _exported(name: str, value: str) -> str:
    return f"export {name}={shlex.quote(value)}\n"


def _plain(name: str, value: str) -> str:
    entries.refuse_lines(value, name)
    return f"{name}={value}\n"
