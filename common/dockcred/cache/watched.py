"""What a watched file looked like, and whom a token file speaks for.

A condition is one line of an entry: `file PATH LOOK` or `token PATH LOOK SUBJECT`,
separated by tabs. The look of a file is its inode, size, mtime and ctime: a file that
is replaced by an older copy has a younger ctime.
"""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

ABSENT = "-"
_MAX_TOKEN_BYTES = 256 * 1024
TICK_NS = 20_000_000


def look(path: str) -> str:
    """Answer the look of a file, ABSENT where there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return ABSENT
    return f"{status.st_ino}:{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}"


def settle(paths: Iterable[str]) -> None:
    """Wait until the clock of the file system has moved on since the last change.

    Two changes within one tick (4 to 10 ms on Linux) look the same: git calls such
    an entry racy (git-scm.com/docs/racy-git). Called before a source is read.
    """
    for path in paths:
        try:
            age = time.time_ns() - os.stat(path).st_ctime_ns
        except OSError:
            continue
        if 0 <= age < TICK_NS:
            time.sleep((TICK_NS - age) / 1e9)


def conditions(files: Iterable[str], tokens: Iterable[str]) -> tuple[str, ...]:
    """Write down how things stand now."""
    return (
        *(f"file\t{path}\t{look(path)}" for path in files),
        *(f"token\t{path}\t{look(path)}\t{subject_in(path)}" for path in tokens),
    )


def still_holds(condition: str) -> bool:
    """Tell whether a condition is as it was written down.

    A token file that only looks different is read: rotated for the same subject it
    still holds, for the next job or pod on the same path it does not.
    """
    kind, _, rest = condition.partition("\t")
    path, _, rest = rest.partition("\t")
    was, _, subject = rest.partition("\t")
    if look(path) == was:
        return True
    return kind == "token" and bool(subject) and subject_in(path) == subject


def has_moved(condition: str) -> bool:
    """Tell whether a condition on a token file holds by its subject alone."""
    kind, path, was, *_ = condition.split("\t")
    return kind == "token" and look(path) != was


def seen_again(condition: str) -> str:
    """Write a condition down with the look of now; nothing if its subject changed."""
    kind, path, _, *subject = condition.split("\t")
    if kind == "file":
        return condition
    seen = look(path)
    same = [subject_in(path)] == subject
    return "\t".join((kind, path, seen, *subject)) if same else ""


def tokens_of(conditions: Iterable[str]) -> tuple[str, ...]:
    """Name the token files of some conditions."""
    split = (condition.split("\t") for condition in conditions)
    return tuple(path for kind, path, *_ in split if kind == "token")


def subject_in(path: str) -> str:
    """Answer issuer and subject of the JWT in a file, nothing where it has none."""
    return subject_of(token_in(path))


def token_in(path: str) -> bytes:
    """Read a token file, without blanks around it; nothing where it cannot be."""
    try:
        with open(path, "rb") as file:
            return file.read(_MAX_TOKEN_BYTES).strip()
    except OSError:
        return b""


def subject_of(token: bytes) -> str:
    """Answer issuer and subject of a JWT, unverified: it only keys a cache."""
    from dockcred.claims import claims_of  # noqa: PLC0415 - a token file has changed

    claims = claims_of(token)
    if "iss" not in claims or "sub" not in claims:
        return ""
    return ascii((str(claims["iss"]), str(claims["sub"])))
