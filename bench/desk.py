"""Check a row's passwords and its calls to the sandbox, and prepare its caches."""

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
        """Return a check that all answers are the sandbox's passwords of one principal.

        `read` returns the password in an answer. The check raises Invalid.
        """

        def check(answer: str) -> None:
            minted = self._cloud.minted(read(answer))
            if minted is None:
                raise Invalid("an answer is no password of the sandbox's")
            principal = minted.principal
            if ":assumed-role/" in principal:
                # Each program chooses its own session name.
                principal = principal.rpartition("/")[0]
            self._principal = self._principal or principal
            if principal != self._principal:
                raise Invalid(f"answers for {principal} and for {self._principal}")

        return check

    def emptier(self, caches: Iterable[Path]) -> Callable[[], None]:
        """Return a function that empties these caches and the sandbox's call counts."""

        def empty() -> None:
            for path in caches:
                shutil.rmtree(path, ignore_errors=True)
            self._cloud.reset()

        return empty

    def count_ours(self) -> None:
        """Raise Invalid if a hit called the cloud, or a cold get not as in its row."""
        calls = dict(self._cloud.calls)
        if not self._row.cold and calls:
            raise Invalid(f"a hit asked the cloud: {calls}")
        for call, count in self._row.upstream.items():
            if calls.get(call) != count:
                raise Invalid(f"one run asked the cloud: {calls}, not {count} {call}")


def crowd(cache: Path, host: str, entries: int) -> None:
    """Add copies of the host's cache entries under so many other hosts' names."""
    of_host = [path for path in cache.iterdir() if f",{host}," in path.name]
    for number in range(entries):
        other = f"{number:012}{host[12:]}"
        for path in of_host:
            shutil.copy2(path, cache / path.name.replace(host, other))
