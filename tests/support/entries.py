"""Look into the cache and age its entries, as time or a copy to elsewhere would."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from dockcred.identity.cache import Entry


def directory(environment: Mapping[str, str]) -> Path:
    return Path(environment["DOCKCRED_CACHE_DIR"])


def paths(environment: Mapping[str, str], provider: str = "[!f]??") -> list[Path]:
    """Every entry's file, without locks, stamps and the rest."""
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
    """Let so many seconds pass for one entry: all its times move into the past."""
    entry = read(path)
    entry.credential.issued_at -= seconds
    if entry.credential.expires_at is not None:
        entry.credential.expires_at -= seconds
    if entry.lease_until is not None:
        entry.lease_until -= seconds
    write(path, entry)
    os.utime(path, (entry.credential.expires_at, entry.credential.expires_at))


def end_lease(path: Path) -> None:
    """Let the quarter of an hour pass for which a source need not be asked."""
    entry = read(path)
    assert entry.lease_until is not None, "this source has no lease"
    entry.lease_until = entry.credential.issued_at - 1
    write(path, entry)


def age_to(path: Path, share: float) -> None:
    """Let this share of the credential's life have passed."""
    credential = read(path).credential
    shift(path, (credential.expires_at - credential.issued_at) * share)
