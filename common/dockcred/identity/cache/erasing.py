"""Remove all cached files of a host, at a logout.

This is a module of its own because no `get` needs it: it would cost each hit 0.15 M
instructions.
"""

from __future__ import annotations

import os

from dockcred.errors import DockcredError
from dockcred.identity.cache.files import FRONT, STAMP
from dockcred.system import machine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.identity.cache.files import Cache


def erase(cache: Cache, host: str) -> None:
    """Remove all files of a host; raise DockcredError if one may be left."""
    try:
        for name in of_host(cache, host):
            _unlink(f"{cache.path}/{name}")
    except OSError as error:
        raise DockcredError(
            f"the cache cannot be cleared of {host}: {error.strerror}",
            "run: dockcred cache --clear",
        ) from None


def of_host(cache: Cache, host: str) -> set[str]:
    """Return the names of all files of a host: entries with their locks, and tickets.

    A ticket's stamp names the entry that the ticket copies. If the stamp is missing or
    unreadable, the ticket counts as one of this host. Raises OSError if the directory
    cannot be read.
    """
    names = set(_listing(cache))
    tickets = {name for name in names if name.startswith(FRONT)}
    found = {name for name in names - tickets if _entry_host(name) == host}
    stamps = {name for name in tickets if name.endswith(STAMP)}
    kept = set()
    for stamp in stamps:
        ticket = stamp.removesuffix(STAMP).rpartition(".")[0]
        behind = _entry_host(cache.read_text(stamp))
        if behind and host not in {behind, ticket.split(",")[2].partition(":")[0]}:
            kept |= {stamp, ticket}
    return found | (tickets - kept)


def _listing(cache: Cache) -> list[str]:
    """Return all names; none if there is no cache, or another user owns it."""
    try:
        # An empty path means an untrusted directory, or one that could not be examined.
        # lstat raises an error in the second case.
        if not cache.path and cache.wanted and os.lstat(cache.wanted):
            cache.path = cache.wanted if machine.is_trusted(cache.wanted) else ""
        return os.listdir(cache.path) if cache.path else []
    except (FileNotFoundError, NotADirectoryError):
        return []


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return


def _entry_host(name: str) -> str:
    """Return the host in an entry's file name; "" for a file of another kind."""
    _, comma, rest = name.partition(",")
    return rest.partition(",")[0] if comma else ""
