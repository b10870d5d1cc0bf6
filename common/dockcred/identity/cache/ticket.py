"""Write tickets. A ticket is the copy of an entry from which the launcher may answer.

The launcher begins with a shell script, the front (front.sh). It cannot parse or hash:
it compares lines. So a ticket is written only if lines can show every change:

- each variable that selects the identity, by its value;
- each watched file, by its look, in the form that one `stat` prints;
- each token file, by the last TAIL characters of its token's signature. The token of
  the next job or pod on the same path ends differently.

The lines are what Python recorded when it read the identity. Only a token is read
again here: its subject must still be the entry's.

A ticket's mtime is its expiry. It is for one host and port, which are in its text and
in its name. A long answer stands after the `end` line, where sh stops reading.

Each ticket names its stamp, a file whose mtime is the time before the identity was
read. So two writers cannot mix up a ticket and a stamp. The stamp's text is the name
of the entry: an erase of the entry finds the ticket by it.
"""

from __future__ import annotations

import os
import time

from dockcred import credential
from dockcred.credential import json_line
from dockcred.identity import cache as watched
from dockcred.identity.cache.files import stamp_of, ticket_name
from dockcred.identity.provider import looks_in
from dockcred.system import process as launched
from dockcred.system.environment import OURS
from dockcred.system.machine import machine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dockcred.identity.cache import Entry
    from dockcred.identity.cache.files import Cache
    from dockcred.identity.cache.silence import Vain
    from dockcred.identity.provider import Provider
    from dockcred.system.environment import Environment

HANDED_OVER = (
    "DOCKCRED_LOG",
    "DOCKCRED_CACHE",
    "DOCKCRED_ON_MISS",
    "DOCKCRED_METRICS",
    "DOCKCRED_FORWARD",
)
"""Variables with which the front leaves the answer to Python, whatever their value."""

_WITHOUT_A_SAY = (*OURS, "XDG_CACHE_HOME", "CI")
"""Variables that need no line in a ticket, because they choose no identity.

They say where the cache is (the front finds it in the same way), how long to wait and
what to do after an answer.
"""

STAT = "%i:%s:%.9Y:%.9Z"
"""The format with which GNU stat prints a look. Another stat's output never matches."""

TAIL = 22
"""How many base64 characters of a token's signature a ticket holds: 132 bits.

That tells two signatures apart as well as any hash. A signature has 43 characters or
more (HMAC-SHA-256, the shortest of RFC 7518), so about as much of it stays unknown.
"""
_MIN_SIGNATURE = 43
_TIMES = 2

_SHORT = 1000
"""The longest answer, in bytes, that sh reads faster itself than /bin/cat starts.

sh needs 0.53 ms for 1000 bytes, cat 0.54 ms to start (dash on Debian 12).
"""

_BASE64URL = frozenset(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
)
_VALUE = _BASE64URL | frozenset("./:,=+~")


class Tickets:
    """The tickets of one host and port, for one launcher."""

    def __init__(
        self,
        cache: Cache,
        provider: Provider,
        place: str,
        environment: Environment,
        looks: dict[str, str],
        config_files: tuple[str, ...],
    ) -> None:
        """Hold host, port and variables as the front sees them, without config.toml.

        `looks` are the looks of the config.toml files from before they were read. The
        looks of the provider's `config_files` are in an entry's key.
        """
        self._cache = cache
        self._provider = provider
        self._place = place
        self._environment = environment
        self._looks = looks
        self._config_files = config_files
        tags = map(environment.get, provider.tags)
        self._name = ticket_name(launched.short, place, tags)

    def keep(self, name: str, entry: Entry, asked_at: float) -> None:
        """Write the ticket of the entry `name`, which was valid after `asked_at`.

        `asked_at` is in seconds since the epoch. No ticket is written if the front
        could not see that the entry is out of date.
        """
        picked = selection(self._provider, self._environment)
        compared = _compared(
            self._looks | looks_in(entry.key, self._config_files), entry.conditions
        )
        beyond = self._beyond(entry)
        if not self._name or picked is None or compared is None or beyond is None:
            return
        until = credential.fresh_until(entry.credential)
        if entry.lease_until is not None:
            until = min(until, entry.lease_until)
        stamp = f"{os.getpid()}-{time.time_ns()}"
        shown = {
            "Username": entry.credential.username,
            "Secret": entry.credential.secret,
        }
        answer = json_line(shown).decode("ascii")[1:]
        short = len(answer) <= _SHORT
        bound = f"for {self._place}|{picked} on {machine()}"
        lines = [
            f"ticket {format_of(self._provider)} {bound}",
            f"stamp {stamp}",
            *compared,
            *beyond,
            *((f"answer {answer.strip()}",) if short else ()),
            "end",
            "" if short else answer,
        ]
        old = stamp_of(self._name, self._cache.read_text(self._name))
        stamped_at = asked_at - watched.TICK_NS / 1e9
        if self._cache.write_text(f"{self._name}.{stamp}.stamp", name, stamped_at):
            self._cache.write_text(self._name, "\n".join(lines), until)
        if old:
            self._cache.remove(old)

    def keep_silence(self, vain: Vain, said: str) -> None:
        """Write the note of a `get` that found no identity (cache.silence).

        `said` is the error that was answered, "" for the plain "not found".
        """
        from dockcred.identity.cache import silence  # noqa: PLC0415 - after a silence

        if not self._name or not self._cache.open_for_writing():
            return
        name = f"{self._name}{silence.END}"
        path = f"{self._cache.path}/{name}"
        looks = self._looks | vain.looks
        vain = silence.Vain(vain.names | self._environment.asked, looks)
        text, until = silence.note(
            self._place, path, said, vain, self._provider, self._environment, _VALUE
        )
        if text:
            self._cache.write_text(name, text, until)

    def _beyond(self, entry: Entry) -> tuple[str, ...] | None:
        """Return lines for the variables that were read beside the provider's own.

        None if the front cannot compare one of them.
        """
        from dockcred.system.environment import sdks  # noqa: PLC0415 - a miss only

        provider, asked = self._provider, self._environment.asked
        named = watched.names_in(entry.conditions)
        if named is None:
            return None
        named = (named | asked).difference(
            provider.variables, provider.secrets, _WITHOUT_A_SAY, HANDED_OVER
        )
        named -= {provider.cache_off, provider.cache_parent, provider.ignore_storage}
        if not named:
            return ()
        if not named.issubset(sdks.NAMES + sdks.SECRETS):
            return None
        lines = []
        for word, names, secrets in (
            ("by", sdks.PROGRAMS, ()),
            ("with", sdks.SDKS, sdks.SECRETS),
        ):
            if not named.isdisjoint(names + secrets):
                written = joined(names, secrets, self._environment)
                if written is None:
                    return None
                lines.append(f"{word} {written}")
        return tuple(lines)


def selection(provider: Provider, environment: Environment) -> str | None:
    """Return a provider's variables, joined as by front.sh; None as in `joined`."""
    return joined(provider.variables, provider.secrets, environment)


def joined(
    names: Iterable[str], secrets: Iterable[str], environment: Environment
) -> str | None:
    """Return variables, joined as by front.sh; None if one cannot be compared."""
    parts = []
    for number, name in enumerate(names):
        value = environment.raw(name)
        if value is None:
            continue
        if not value or not _VALUE.issuperset(value):
            return None
        parts.append(f"{number}={value}|")
    for number, name in enumerate(secrets):
        if value := environment.raw(name):
            parts.append(f"{number}.set|")
        elif value is not None:
            return None
    return "".join(parts) + "." * len(parts)


def format_of(provider: Provider) -> str:
    """Return a version of the variables' list. A front with another takes no ticket."""
    import binascii  # noqa: PLC0415 - a miss only

    from dockcred.system.environment import sdks  # noqa: PLC0415 - as above

    known = (*provider.variables, *provider.secrets, *provider.tags)
    names = " ".join((*known, *sdks.NAMES, *sdks.SECRETS))
    return f"6-{binascii.crc32(names.encode()):08x}"


def _compared(looks: Mapping[str, str], conditions: Iterable[str]) -> list[str] | None:
    """Return lines for the files as front.sh compares them; None if it cannot."""
    lines = [_file_line(path, look) for path, look in looks.items() if path]
    for kind, path, look, *subject in (text.split("\t") for text in conditions):
        if kind == "file":
            lines.append(_file_line(path, look))
        elif kind == "token":
            lines.append(_token_line(path, *subject))
    return list(dict.fromkeys(lines)) if all(lines) else None


def _file_line(path: str, look: str) -> str:
    if not path or not _VALUE.issuperset(path):
        return ""
    if look == watched.ABSENT:
        return f"absent {_topmost_absent(path)}"
    inode, size, *times = look.split(":")
    if len(times) > _TIMES:
        return ""  # a digest of the content, which sh cannot compute
    seconds = (f"{ns[:-9]:0>1}.{ns[-9:]:0>9}" for ns in times)
    return f"look {':'.join((inode, size, *seconds))} {path}"


def _topmost_absent(path: str) -> str:
    """Return the topmost missing directory on a path, or the path itself.

    So one line is enough for all files of a missing ~/.aws. sh reads byte by byte and
    needs 0.5 ms for a thousand bytes.
    """
    parent = os.path.dirname(path)
    while parent and not os.path.lexists(parent):
        path, parent = parent, os.path.dirname(parent)
    return path


def _token_line(path: str, subject: str) -> str:
    """Return a line with the end of the token's signature.

    "" if the token is no longer the subject's, or sh could not compare it.
    """
    token = watched.token_in(path)
    signature = token.rpartition(b".")[2].decode("ascii", "replace")
    if (
        not path
        or not _VALUE.issuperset(path)
        or not subject
        or watched.subject_of(token) != subject
        or len(signature) < _MIN_SIGNATURE
        or not _BASE64URL.issuperset(signature)
    ):
        return ""
    return f"token {signature[-TAIL:]} {path}"
