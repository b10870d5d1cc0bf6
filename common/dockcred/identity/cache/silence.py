"""The note of a `get` that found nobody: the metadata address was silent, and no more.

As a ticket holds an answer for the launcher's sh, a note holds a miss for the few lines
of Python that the launcher runs first (protocol.launcher.knock). They cannot decide
anything anew. So all that had a say stands in it: each variable that was asked for, by
value, or by being set where it is a secret; each file that was looked at, by its look,
absent ones too; boot, host, network and mounts; and when the silence was met, since it
is remembered no longer than for all others (system.cloud). The address itself is
knocked at each time.

None is written where an identity was chosen, where more than the metadata service was
left to be asked, or where a value could be a secret.
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
"""Of a note's name, behind that of the ticket that would be there for an answer."""
AGE = "\t"
"""Where the text of a note tells the silence's age, in seconds."""

_MOST = 900
_TIMES = 4
_ELSEWHERE = frozenset({"DOCKCRED_TIMEOUT"})
"""Compared by front.sh, which leaves to Python what is no number of seconds."""


class Vain:
    """What was consulted until nobody but the metadata service was left, and it silent.

    names  variables that were asked for
    looks  how files looked then, those that choose an identity by being there too
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
    """Return what was consulted, where a silence was all that was met; else None.

    Not where a source may do what nobody has recorded, as the SDKs, nor where a setting
    makes another answer of a miss. `looks` are the files' that were opened.
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
    """Return the text of a note at a path, and for how many seconds it holds.

    `said` is the error that was told, nothing where it was the plain sentence; `plain`
    are the characters of a value that can stand in it. The text is empty where a
    launcher could not tell that the note no longer holds.
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
    """Return what is told from now on; nothing where that cannot be foretold."""
    if not said:
        return CredentialsNotFoundError.sentence
    if metadata.met is None:
        return ""
    silence, met = metadata.met
    before, cause, after = said.partition(met)
    text = f"{before}{metadata.again(AGE, silence.address).cause}{after}"
    words = text.replace(AGE, "0")
    is_one = bool(cause) and text.count(AGE) == 1 and len(text) < _MOST
    # As protocol.wire would write it: one line, nothing doubled, nothing strange.
    is_plain = words.isascii() and words.isprintable() and "  " not in words
    return text if is_one and is_plain and words == words.strip() else ""


def _variables(
    names: Collection[str],
    provider: Provider,
    environment: Environment,
    plain: frozenset[str],
) -> list[str] | None:
    """Write down variables as they are; None where one cannot stand in a file."""
    by_value = {*provider.variables, *sdks.NAMES, *OURS}
    secrets = {*provider.secrets, *sdks.SECRETS}
    asked = {*names, *provider.variables, *provider.secrets, *OURS} - _ELSEWHERE
    unset, lines = [], []
    for name in sorted(asked):
        value = environment.raw(name)
        if name.endswith("*"):
            return None  # a family
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
    """Write down files as they look; nothing for one that cannot be compared."""
    for path, look in looks.items():
        # A fifth part is a sum of the content, where a clock is coarse.
        fits = look == cache.ABSENT or look.count(":") == _TIMES - 1
        is_line = path.isascii() and path.isprintable()
        yield f"file\t{path}\t{look}" if fits and is_line else ""
