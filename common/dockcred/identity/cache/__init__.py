"""The cache: one file for each entry, and the conditions under which it stays valid.

files    read and write the directory of entries
lock     let one process mint for all that ask at the same time
record   record the variables and files that were read while an identity was asked
ticket   write a ticket: the copy of an entry from which the launcher may answer
silence  write a note: the launcher may repeat from it that no identity was found
erasing  remove all cached files of a host
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
    """A credential with its key, its source and its conditions (see `conditions`).

    `lease_until` is the end of the lease, in seconds since the epoch: until then the
    source need not be asked. It is None if the source's files show every change.
    `principal` is the name that the source gave for its identity at the mint.
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
        """Return the entry as lines; raise ValueError if a value has a line break."""
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
        """Parse the lines; None if they are incomplete or of another format version."""
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
    """Return the look of a file, or ABSENT if it does not exist.

    The look is a text of inode, size, mtime and ctime. Another look means that the
    file may have changed. If the ctime is a whole second, it has a digest of the
    content too.
    """
    try:
        status = system.look(path)
    except (OSError, ValueError):  # ValueError for a NUL, which a setting may have
        return ABSENT
    times = f"{status.st_mtime_ns}:{status.st_ctime_ns}"
    seen = f"{status.st_ino}:{status.st_size}:{times}"
    # No program can set a ctime. A whole second means that the file system counts
    # seconds only; by chance it happens once in a thousand million.
    if status.st_ctime_ns % _SECOND_NS or not stat.S_ISREG(status.st_mode):
        return seen
    return f"{seen}:{_sum_of(path)}"


def _sum_of(path: str) -> str:
    """Return a digest of a file's content, or "" if the file cannot be read.

    No answer depends on the content of an unreadable file. For a file that is too long
    the result is random, so that it never matches.
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
    """Return a digest of text or bytes that does not reveal the content."""
    try:
        # hashlib has the same function, but also loads OpenSSL: 10 M instructions more
        # for each hit with a coarse clock or an unknown variable.
        from _blake2 import blake2b  # noqa: PLC0415 - for those alone
    except ImportError:
        from hashlib import blake2b  # noqa: PLC0415 - not every Python has _blake2

    if isinstance(content, str):
        content = content.encode("utf-8", "surrogateescape")
    return blake2b(content, digest_size=16).hexdigest()


def wait_for_mtime_tick(paths: Iterable[str]) -> None:
    """Wait until each file's last change is at least TICK_NS (20 ms) old.

    Two changes within one tick of the file system's clock (4 to 10 ms on Linux) have
    the same times. Git calls such an entry racy (git-scm.com/docs/racy-git). Call this
    before a source is read.
    """
    for path in paths:
        try:
            age = time.time_ns() - system.look(path).st_ctime_ns
        except (OSError, ValueError):
            continue
        if 0 <= age < TICK_NS:
            time.sleep((TICK_NS - age) / 1e9)


def conditions(files: Iterable[str], tokens: Iterable[str]) -> tuple[str, ...]:
    """Return one condition for each file and each token file, as they are now.

    A condition is a line of fields that are separated by tabs. A cache entry is valid
    only while all its conditions hold (`is_valid`).
    """
    return (
        *(f"file\t{path}\t{stat_signature(path)}" for path in files),
        *(
            f"token\t{path}\t{stat_signature(path)}\t{subject_in(path)}"
            for path in tokens
        ),
    )


def is_valid(condition: str, environment: Environment) -> bool:
    """Return whether a condition on a file or on variables still holds.

    A token file with another look is read. The condition still holds if the token was
    rotated for the same subject, but not for the next job or pod on the same path.
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
    """Return whether a condition is on a token file whose look has changed."""
    kind, path, was, *_ = condition.split("\t")
    return kind == "token" and stat_signature(path) != was


def refreshed(condition: str) -> str:
    """Return a condition with its token file's new look; "" if the subject changed."""
    kind, path, _, *subject = condition.split("\t")
    if kind != "token":
        return condition
    seen = stat_signature(path)
    same = [subject_in(path)] == subject
    return "\t".join((kind, path, seen, *subject)) if same else ""


def tokens_of(conditions: Iterable[str]) -> tuple[str, ...]:
    """Return the paths of the token files in some conditions."""
    split = (condition.split("\t") for condition in conditions)
    return tuple(path for kind, path, *_ in split if kind == "token")


def names_in(conditions: Iterable[str]) -> set[str] | None:
    """Return the variables in the conditions; None if one is there by its digest."""
    found: set[str] = set()
    for condition in conditions:
        kind, name, *_ = condition.split("\t")
        if kind == "sum":
            return None
        if kind in {"unset", "set"}:
            found.update(name.split(" "))
    return found


def subject_in(path: str) -> str:
    """Return issuer and subject of the JWT in a file, or "" if it has no such JWT."""
    return subject_of(token_in(path))


def token_in(path: str) -> bytes:
    """Return a token file's bytes without white space around them; b"" on failure."""
    try:
        with open(path, "rb") as file:
            return file.read(_MAX_TOKEN_BYTES).strip()
    except (OSError, ValueError):
        return b""


def subject_of(token: bytes) -> str:
    """Return issuer and subject of a JWT, or "".

    The JWT is not verified: the result only selects cache entries.
    """
    from dockcred.transport.json_reader import claims_of  # noqa: PLC0415 - a token file has changed

    claims = claims_of(token)
    if "iss" not in claims or "sub" not in claims:
        return ""
    return ascii((str(claims["iss"]), str(claims["sub"])))
