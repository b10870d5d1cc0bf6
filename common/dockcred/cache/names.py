"""Under which names the cache holds what is known of one host.

An entry is PROVIDER,HOST,SUM. A ticket is front,PROGRAM,HOST:PORT,TAGS, by the host
that was asked for, which may be an alias; its stamp has the ticket's name and a number
before .stamp, and holds the name of the entry that the ticket is a copy of.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.cache.files import Cache

_FRONT = "front,"
_STAMP = ".stamp"


def of_host(cache: Cache, host: str) -> set[str]:
    """Return all names of a host's: entries, their tickets and stamps, what is beside.

    A ticket without a stamp cannot say of which entry it is a copy: it counts as one.
    """
    names = set(cache.names())
    tickets = {name for name in names if name.startswith(_FRONT)}
    found = {name for name in names - tickets if _entry_host(name) == host}
    stamps = {name for name in tickets if name.endswith(_STAMP)}
    kept = set()
    for stamp in stamps:
        ticket = stamp.removesuffix(_STAMP).rpartition(".")[0]
        behind = _entry_host(cache.read_text(stamp))
        if host not in {behind, ticket.split(",")[2].partition(":")[0]}:
            kept |= {stamp, ticket}
    return found | (tickets - kept)


def _entry_host(name: str) -> str:
    """Return the host in an entry's name; nothing for a file of another kind."""
    _, comma, rest = name.partition(",")
    return rest.partition(",")[0] if comma else ""
