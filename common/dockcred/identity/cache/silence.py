"""Write the note of a `get` that found no identity because of a silence.

A silence is a metadata address that took no connection in time. A note is the file
from which the launcher repeats "not found". A few lines of Python that the launcher
runs first read the note (protocol.launcher.knock). They cannot decide anything anew, so
the note has all that the decision depended on:

- each variable that was read: its value, or for a secret only that it was set;
- each file that was examined, also a missing one: its look (cache.stat_signature);
- boot, host, network and mounts;
- the time of the silence, since it is remembered for a limited time (system.cloud).

The launcher knocks each time: it tries again to connect to the address.

No note is written if an identity was chosen, if anything but the metadata service
could still be asked, or if a value could be a secret.
"""

from __future__ import annotations

import os
import time

from dockcred.errors import CredentialsNotFoundError
from dockcred.identity import cache
from dockcred.system.environment import OURS, sdks
from dockcred.transport import metadata

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from dockcred.identity.provider import Identity, Provider
    from dockcred.system.environment import Environment

FORMAT = "1"
END = ".silent"
"""The end of a note's file name. Before it stands the name of the answer's ticket."""
AGE = "\t"
"""The placeholder in a note's text for the age of the silence, in seconds."""

_MOST = 900
_TIMES = 4
_ELSEWHERE = frozenset({"DOCKCRED_TIMEOUT"})
"""Variables that front.sh checks: it leaves any value but a number to Python."""


class Vain:
    """All that was read before a `get` failed on a silent metadata service alone.

    names  the variables that were read
    looks  the looks of the files, also of those that only had to exist or be missing
    """

    __slots__ = ("looks", "names")

    def __init__(self, names: Iterable[str], looks: Mapping[str, str]) -> None:
        self.names = frozenset(names)
        self.looks = dict(looks)


def find(
    identity: Identity,
    provider: Provider,
    environment: Environment,
    looks: dict[str, str],
) -> Vain | None:
    """Return what was read, if a silence was the only reason for the miss; else None.

    None too if a source, such as an SDK, may read more than was recorded, or if a
    setting changes the answer to a miss. `looks` are the looks of the opened files.
    """
    also = identity.looked_for
    is_other = environment.first("DOCKCRED_ON_MISS", "DOCKCRED_ROAD")
    is_last = identity.sources == (provider.metadata[1],)
    if metadata.met is None or also is None or is_other or not is_last:
        return None
    for path in (*also, *identity.files, *identity.tokens):
        looks.setdefault(path, cache.stat_signature(path))
    return Vain(environment.asked, looks)


def note(
    place: str,
    path: str,
    said: str,
    vain: Vain,
    provider: Provider,
    environment: Environment,
    plain: Collection[str],
) -> tuple[str, float]:
    """Return the text of a note, and its expiry in seconds since the epoch.

    `place` is the host with its port, `path` the note's own path. `said` is the error
    that was answered, "" for the plain "not found". `plain` are the characters that a
    variable's value may have. The text is "" if a launcher could not see that the note
    is out of date.
    """
    text = _text(said)
    found = _variables(vain.names, provider, environment, frozenset(plain))
    files = [*_files(vain.looks)]
    if metadata.met is None or found is None or not text or not all(files):
        return "", 0.0
    silence, _ = metadata.met
    try:
        mounts = os.stat("/proc/self/ns/mnt").st_ino
    except OSError:
        return "", 0.0
    lines = [
        f"silence {FORMAT} {place} {path}",
        f"{silence.here} {mounts}",
        repr(silence.at),
        "loud" if said else "still",
        text,
        *found,
        *files,
        "end",
    ]
    return "\n".join(lines), time.time() + silence.left_s


def _text(said: str) -> str:
    """Return the answer to repeat, with AGE in it; "" if it cannot be predicted."""
    if not said:
        return CredentialsNotFoundError.sentence
    if metadata.met is None:
        return ""
    silence, met = metadata.met
    before, cause, after = said.partition(met)
    text = f"{before}{metadata.again(AGE, silence.address).cause}{after}"
    words = text.replace(AGE, "0")
    is_one = bool(cause) and text.count(AGE) == 1 and len(text) < _MOST
    # The launcher must print what protocol.wire would: one line of printable ASCII,
    # without double spaces.
    is_plain = words.isascii() and words.isprintable() and "  " not in words
    return text if is_one and is_plain and words == words.strip() else ""


def _variables(
    names: Collection[str],
    provider: Provider,
    environment: Environment,
    plain: frozenset[str],
) -> list[str] | None:
    """Return lines for the variables; None if one cannot be written to a file."""
    by_value = {*provider.variables, *sdks.NAMES, *OURS}
    secrets = {*provider.secrets, *sdks.SECRETS}
    asked = {*names, *provider.variables, *provider.secrets, *OURS} - _ELSEWHERE
    unset, lines = [], []
    for name in sorted(asked):
        value = environment.raw(name)
        if name.endswith("*"):
            return None  # a family: all variables with one prefix
        if value is None:
            unset.append(name)
        elif not value or name not in by_value | secrets:
            return None
        elif name in secrets:
            lines.append(f"given\t{name}\t")
        elif plain.issuperset(value):
            lines.append(f"set\t{name}\t{value}")
        else:
            return None
    return [f"unset\t{' '.join(unset)}\t", *lines]


def _files(looks: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each file's look; "" for one that cannot be compared."""
    for path, look in looks.items():
        # With a coarse clock a look has a fifth part: a digest of the content.
        fits = look == cache.ABSENT or look.count(":") == _TIMES - 1
        is_line = path.isascii() and path.isprintable()
        yield f"file\t{path}\t{look}" if fits and is_line else ""
