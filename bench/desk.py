"""What a row may ask of the sandbox, whose its passwords are, and what is cached."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from bench.contest import Invalid
from bench.rows import Row
from dockcred.testing.sandbox import Sandbox


class Desk:
    """Checks the answers and the calls of one row."""

    def __init__(self, cloud: Sandbox, row: Row) -> None:
        self._cloud = cloud
        self._row = row
        self._principal = ""

    def checker(self, read: Callable[[str], str]) -> Callable[[str], None]:
        """Make a check that an answer's password is the sandbox's, and whose."""

        def check(answer: str) -> None:
            minted = self._cloud.minted(read(answer))
            if minted is None:
                raise Invalid("an answer is no password of the sandbox's")
            principal = minted.principal
            if ":assumed-role/" in principal:
                # Each program names its session as it likes.
                principal = principal.rpartition("/")[0]
            self._principal = self._principal or principal
            if principal != self._principal:
                raise Invalid(f"answers for {principal} and for {self._principal}")

        return check

    def emptier(self, caches: Iterable[Path]) -> Callable[[], None]:
        """Make what empties these caches and the counts before a run."""

        def empty() -> None:
            for path in caches:
                shutil.rmtree(path, ignore_errors=True)
            self._cloud.reset()

        return empty

    def count_ours(self) -> None:
        """Hold a hit to no call at all, and a cold get to what its row allows."""
        calls = dict(self._cloud.calls)
        if not self._row.cold and calls:
            raise Invalid(f"a hit asked the cloud: {calls}")
        for call, count in self._row.upstream.items():
            if calls.get(call) != count:
                raise Invalid(f"one run asked the cloud: {calls}, not {count} {call}")


def crowd(cache: Path, host: str, entries: int) -> None:
    """Add copies of the host's files under other hosts' names."""
    of_host = [path for path in cache.iterdir() if f",{host}," in path.name]
    for number in range(entries):
        other = f"{number:012}{host[12:]}"
        for path in of_host:
            shutil.copy2(path, cache / path.name.replace(host, other))
