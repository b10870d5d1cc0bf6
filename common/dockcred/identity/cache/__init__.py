"""The cache: one file for each entry, and the files whose change ends it.

files   the directory of entries, read and written
lock    one mint for all who ask at the same time
record  what was consulted while an identity was asked
ticket  the copy of an entry that the launcher may answer from
silence  the note by which it may tell again that nobody was found
"""

from __future__ import annotations

import os
import stat
import time

from dockcred import system
from dockcred.credential import Credential

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from dockcred.system.environment import Environment

_HEAD = "dockcred entry 1"
_END = "end"
_FIXED = 9


class Entry:
    """A credential with its key, its source and the conditions on answering it.

    `lease_until` is the time (seconds since the epoch) until which the source need
    not be asked; None where its files tell. `principal` is what the source then said.
    """

    __slots__ = (
        "conditions",
        "credential",
        "key",
        "lease_until",
        "principal",
        "source",
    )

    def __init__(
        self,
        key: str,
        credential: Credential,
        source: str,
        conditions: tuple[str, ...] = (),
        lease_until: float | None = None,
        principal: str = "",
    ) -> None:
        self.key = key
        self.credential = credential
        self.source = source
        self.conditions = conditions
        self.lease_until = lease_until
        self.principal = principal

    def to_text(self) -> str:
        """Write the lines; raise ValueError where a value does not fit in one."""
        credential = self.credential
        lines = [
            _HEAD,
            self.key,
            self.source,
            self.principal,
            _time(self.lease_until),
            _time(credential.issued_at),
            _time(credential.expires_at),
            credential.username,
            credential.secret,
            *self.conditions,
            _END,
        ]
        if any("\n" in line for line in lines):
            raise ValueError("a value of the entry spans lines")
        return "\n".join(lines) + "\n"

    @classmethod
    def from_text(cls, text: str) -> Entry | None:
        """Read the lines; None for what is torn, foreign or of another version."""
        lines = text.split("\n")
        if len(lines) < _FIXED + 2 or lines[0] != _HEAD or lines[-2:] != [_END, ""]:
            return None
        try:
            lease, issued, expires = (float(x) if x else None for x in lines[4:7])
        except ValueError:
            return None
        if issued is None:
            return None
        credential = Credential(lines[7], lines[8], issued, expires)
        return cls(
            lines[1], credential, lines[2], tuple(lines[_FIXED:-2]), lease, lines[3]
        )


def _time(seconds: float | None) -> str:
    return "" if seconds is None else repr(seconds)


ABSENT = "-"
_MAX_TOKEN_BYTES = 256 * 1024
_MAX_SUMMED_BYTES = 4 * 1024 * 1024
_SECOND_NS = 1_000_000_000
TICK_NS = 20_000_000


def stat_signature(path: str) -> str:
    """Return the look of a file, ABSENT where there is none."""
    try:
        status = system.look(path)
    except (OSError, ValueError):  # the latter for a NUL, which a setting may have
        return ABSENT
    times = f"{status.st_mtime_ns}:{status.st_ctime_ns}"
    seen = f"{status.st_ino}:{status.st_size}:{times}"
    # Nobody can set a ctime: a whole second is the file system's clock, or one chance
    # in a thousand million.
    if status.st_ctime_ns % _SECOND_NS or not stat.S_ISREG(status.st_mode):
        return seen
    return f"{seen}:{_sum_of(path)}"


def _sum_of(path: str) -> str:
    """Return a sum of a file's content, and of one too long one that never comes again.

    A file that cannot be read has none: nobody's answer depends on what is in it.
    """
    try:
        with open(path, "rb") as file:
            content = file.read(_MAX_SUMMED_BYTES + 1)
    except OSError:
        return ""
    if len(content) > _MAX_SUMMED_BYTES:
        return os.urandom(16).hex()
    return sum_of(content)


def sum_of(content: bytes | str) -> str:
    """Return a sum of a text or of bytes, of which nothing can be read out of it."""
    try:
        # What hashlib hands out, without OpenSSL, which that loads besides: 10 M
        # instructions of each hit where a clock is coarse or a variable's name strange.
        from _blake2 import blake2b  # noqa: PLC0415 - for those alone
    except ImportError:
        from hashlib import blake2b  # noqa: PLC0415 - not every Python has the other

    if isinstance(content, str):
        content = content.encode("utf-8", "surrogateescape")
    return blake2b(content, digest_size=16).hexdigest()


def wait_for_mtime_tick(paths: Iterable[str]) -> None:
    """Wait until the clock of the file system has moved on since the last change.

    Two changes within one tick (4 to 10 ms on Linux) look the same: git calls such
    an entry racy (git-scm.com/docs/racy-git). Called before a source is read.
    """
    for path in paths:
        try:
            age = time.time_ns() - system.look(path).st_ctime_ns
        except (OSError, ValueError):
            continue
        if 0 <= age < TICK_NS:
            time.sleep((TICK_NS - age) / 1e9)


def conditions(files: Iterable[str], tokens: Iterable[str]) -> tuple[str, ...]:
    """Write down how things stand now."""
    return (
        *(f"file\t{path}\t{stat_signature(path)}" for path in files),
        *(
            f"token\t{path}\t{stat_signature(path)}\t{subject_in(path)}"
            for path in tokens
        ),
    )


def is_valid(condition: str, environment: Environment) -> bool:
    """Return whether a condition, on a file or on variables, is as it was written down.

    A token file that only looks different is read: rotated for the same subject it
    still holds, for the next job or pod on the same path it does not.
    """
    kind, _, rest = condition.partition("\t")
    path, _, rest = rest.partition("\t")
    was, _, subject = rest.partition("\t")
    if kind == "unset":
        return not any(map(environment.text, path.split(" ")))
    if kind == "set":
        return environment.get(path) == was
    if kind == "sum":
        return sum_of(environment.text(path)) == was
    if stat_signature(path) == was:
        return True
    return kind == "token" and bool(subject) and subject_in(path) == subject


def is_rotated(condition: str) -> bool:
    """Return whether a condition on a token file holds by its subject alone."""
    kind, path, was, *_ = condition.split("\t")
    return kind == "token" and stat_signature(path) != was


def refreshed(condition: str) -> str:
    """Write a condition down with the look of now; nothing if its subject changed."""
    kind, path, _, *subject = condition.split("\t")
    if kind != "token":
        return condition
    seen = stat_signature(path)
    same = [subject_in(path)] == subject
    return "\t".join((kind, path, seen, *subject)) if same else ""


def tokens_of(conditions: Iterable[str]) -> tuple[str, ...]:
    """Return the token files of some conditions."""
    split = (condition.split("\t") for condition in conditions)
    return tuple(path for kind, path, *_ in split if kind == "token")


def names_in(conditions: Iterable[str]) -> set[str] | None:
    """Return the variables on which conditions are; None where one has only its sum."""
    found: set[str] = set()
    for condition in conditions:
        kind, name, *_ = condition.split("\t")
        if kind == "sum":
            return None
        if kind in {"unset", "set"}:
            found.update(name.split(" "))
    return found


def subject_in(path: str) -> str:
    """Return issuer and subject of the JWT in a file, nothing where it has none."""
    return subject_of(token_in(path))


def token_in(path: str) -> bytes:
    """Read a token file, without blanks around it; nothing where it cannot be."""
    try:
        with open(path, "rb") as file:
            return file.read(_MAX_TOKEN_BYTES).strip()
    except (OSError, ValueError):
        return b""


def subject_of(token: bytes) -> str:
    """Return issuer and subject of a JWT, unverified: it only keys a cache."""
    from dockcred.transport.json_reader import claims_of  # noqa: PLC0415 - a token file has changed

    claims = claims_of(token)
    if "iss" not in claims or "sub" not in claims:
        return ""
    return ascii((str(claims["iss"]), str(claims["sub"])))
