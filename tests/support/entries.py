"""Read the cache's files, and change the times in its entries."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from dockcred.identity.cache import Entry


def directory(environment: Mapping[str, str]) -> Path:
    return Path(environment["DOCKCRED_CACHE_DIR"])


def paths(environment: Mapping[str, str], provider: str = "[!f]??") -> list[Path]:
    """Return the files of the entries, without locks, stamps and other files."""
    found = directory(environment).glob(f"{provider},*")
    return sorted(path for path in found if not path.suffix.isalpha() and _is(path))


def _is(path: Path) -> bool:
    return not path.name.endswith(
        (".lock", ".failed", ".tried", ".new", ".stamp", ".turn")
    )


def only(environment: Mapping[str, str], provider: str = "[!f]??") -> Path:
    (path,) = paths(environment, provider)
    return path


def read(path: Path) -> Entry:
    entry = Entry.from_text(path.read_bytes().decode("utf-8", "surrogateescape"))
    assert entry is not None
    return entry


def write(path: Path, entry: Entry) -> None:
    path.write_bytes(entry.to_text().encode("utf-8", "surrogateescape"))
    path.chmod(0o600)


def shift(path: Path, seconds: float) -> None:
    """Move all times of one entry into the past, as if so many seconds had passed."""
    entry = read(path)
    entry.credential.issued_at -= seconds
    if entry.credential.expires_at is not None:
        entry.credential.expires_at -= seconds
    if entry.lease_until is not None:
        entry.lease_until -= seconds
    write(path, entry)
    os.utime(path, (entry.credential.expires_at, entry.credential.expires_at))


def end_lease(path: Path) -> None:
    """End the entry's lease: the time in which its source need not be asked again."""
    entry = read(path)
    assert entry.lease_until is not None, "this source has no lease"
    entry.lease_until = entry.credential.issued_at - 1
    write(path, entry)


def age_to(path: Path, share: float) -> None:
    """Age an entry by this share of its credential's lifetime (0.5: half of it)."""
    credential = read(path).credential
    shift(path, (credential.expires_at - credential.issued_at) * share)
