"""Where a rendered secret goes: a pipe, a file of one's own, hardly ever a terminal."""

from __future__ import annotations

import json
import os
from datetime import datetime

import click

from dockcred.api import Policy
from dockcred.commands.console import stdout
from dockcred.errors import InvalidInputError
from dockcred.outputs import replace
from dockcred.system import private_file


def refuse_terminal(path: str | None) -> None:
    """Raise a usage error where the secret would be shown."""
    if path in (None, "-") and stdout().isatty():
        raise click.UsageError(
            "a secret is not shown: pipe it, or use --output FILE; --show shows it"
        )


def policy(sources: tuple[str, ...]) -> Policy | None:
    """Answer the policy that asks these sources; None for the usual one."""
    return Policy(order=sources) if sources else None


def place(path: str | None, name: str) -> str:
    """Answer the file that --output means, nothing for stdout.

    Raises InvalidInputError for a device: it would be replaced by a file.
    """
    if path in (None, "-"):
        return ""
    if not path:
        raise InvalidInputError("--output names no file", "write --output FILE")
    if path.endswith("/") or os.path.isdir(path):
        path = os.path.join(path, name)
    path = os.path.abspath(path)
    where = os.path.realpath(os.path.dirname(path))
    is_other = os.path.exists(path) and not os.path.isfile(path)
    if is_other or where == "/dev" or where.startswith("/proc/"):
        raise InvalidInputError(f"{path} is no place for a file", "use a redirection")
    return path


def write(data: bytes, path: str, ends: float | None) -> None:
    """Print it, or put it into its file and say until when it is good."""
    if not path:
        _print(data)
        return
    _refuse_to_lose(path, data)
    replace.make_directories(path)
    private_file.replace(path, data, private_file.NEW_FILE)
    moment = datetime.fromtimestamp(ends).astimezone() if ends else None
    until = f"; good until {moment:%Y-%m-%d %H:%M:%S %z}" if moment else ""
    click.echo(f"wrote {path}{until}", err=True)


def _print(data: bytes) -> None:
    """Write to stdout without a buffer: what does not go out is an error here."""
    left = memoryview(data)
    while left:
        left = left[os.write(stdout().fileno(), left) :]


def _refuse_to_lose(path: str, data: bytes) -> None:
    """Raise InvalidInputError for a file that says more than what takes its place."""
    there, ours = _said(replace.read(path)), _said(data)
    if besides := sorted(there - ours):
        raise InvalidInputError(
            f"{path} has {', '.join(besides)} besides, which would be lost",
            "name another file, or move this one away",
        )


def _said(data: bytes | None) -> set[str]:
    """Name what a file of logins says: its keys, and those of `auths`."""
    try:
        found = json.loads(data or b"{}")
        return {*found, *found.get("auths", ())}
    except (ValueError, TypeError, AttributeError, RecursionError):
        return set()
