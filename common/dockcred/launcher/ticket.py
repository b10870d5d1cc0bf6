"""The copy of a cache entry that the launcher's sh may answer from.

sh cannot parse, hash or stat: it compares lines and the ages of files. So a ticket is
written only where lines and ages tell all: every variable that selects the identity
stands in it by value, each watched file is absent, or plain and older than the stamp.

A ticket's mtime is the time until which it may be answered. The stamp is a file of
its own, named in the ticket, with the time before the identity was read: a ticket and
its stamp cannot be mixed up by two writers.
"""

from __future__ import annotations

import os
import stat
import time

from dockcred import lifetime, wire
from dockcred.cache.watched import TICK_NS
from dockcred.fingerprint import machine
from dockcred.launcher import entry as launched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from dockcred.cache.entry import Entry
    from dockcred.cache.files import Cache
    from dockcred.environment import Environment
    from dockcred.identity import Provider

HANDED_OVER = ("DOCKCRED_LOG", "DOCKCRED_CACHE", "DOCKCRED_ON_MISS")
"""Variables on which the front leaves everything to Python, whatever their value."""

_TAG = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
_VALUE = _TAG | frozenset("/:,=+~")


def write(
    cache: Cache,
    provider: Provider,
    host: str,
    environment: Environment,
    entry: Entry,
    asked_at: float,
    files: Iterable[str],
) -> None:
    """Write the ticket for an entry whose identity was read after `asked_at`.

    `host` and `environment` are as the front sees them, without config.toml; `files`
    are all that choose the identity, config.toml among them.

    Writes none where the front could not tell that it no longer holds.
    """
    until = lifetime.fresh_until(entry.credential)
    if entry.lease_until is not None:
        until = min(until, entry.lease_until)
    stamped_at = asked_at - TICK_NS / 1e9
    tags = [environment.get(tag) for tag in provider.tags]
    picked = selection(provider, environment)
    watched = _watched(files, stamped_at)
    if (
        not launched.short
        or picked is None
        or watched is None
        or not _TAG.issuperset("".join(tags))
    ):
        return
    name = f"front,{launched.short},{host},{','.join(tags)}"
    stamp = f"{name}.{os.getpid()}-{time.time_ns()}.stamp"
    answer = wire.json_line(
        {
            "Username": entry.credential.username,
            "Secret": entry.credential.secret,
        }
    )
    lines = [
        f"ticket {format_of(provider)}",
        f"for {host}|{picked}",
        f"on {machine()}",
        f"stamp {stamp}",
        *watched,
        f"answer {answer.decode('ascii').strip()[1:]}",
        "end",
    ]
    old = _stamp_in(cache.read_text(name))
    if cache.write_text(stamp, "", stamped_at):
        cache.write_text(name, "\n".join((*lines, "")), until)
    if old:
        cache.remove(old)


def selection(provider: Provider, environment: Environment) -> str | None:
    """Join the variables as front.sh does; None where one is not fit to be compared."""
    parts = []
    for name in provider.variables:
        value = environment.raw(name)
        if value == "" or (value and not _VALUE.issuperset(value)):
            return None
        parts.append("" if value is None else f"={value}")
    for name in provider.secrets:
        value = environment.raw(name)
        if value == "":
            return None
        parts.append("" if value is None else ".set")
    return "|".join(parts)


def format_of(provider: Provider) -> str:
    """Answer a number for the list that the front was made for: another, no ticket."""
    import binascii  # noqa: PLC0415 - a miss only

    names = " ".join((*provider.variables, *provider.secrets, *provider.tags))
    return f"1-{binascii.crc32(names.encode()):08x}"


def _watched(paths: Iterable[str], stamped_at: float) -> list[str] | None:
    lines = []
    for path in paths:
        if not path:
            continue
        if not _VALUE.issuperset(path):
            return None
        try:
            status = os.lstat(path)
            directory = os.stat(os.path.dirname(path))
        except FileNotFoundError:
            lines.append(f"absent {path}")
            continue
        except OSError:
            return None
        newest = max(status.st_mtime, directory.st_mtime)
        if not stat.S_ISREG(status.st_mode) or newest >= stamped_at:
            return None
        lines.append(f"plain {path}")
    return lines


def _stamp_in(text: str) -> str:
    for line in text.split("\n"):
        if line.startswith("stamp "):
            return line.removeprefix("stamp ")
    return ""
