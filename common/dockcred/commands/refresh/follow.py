"""Follow one kind of object in the cluster: list once, then watch."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from dockcred.commands.refresh.answers import GoneError, NoTimeError
from dockcred.commands.refresh.cluster import Cluster, Query, is_ending
from dockcred.errors import DockcredError, RefusedError, unforeseen

POLL_S = 60.0
"""Seconds between two lists where we are not allowed to watch."""

FIRST_LIST_S = 60.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 8.0
_SHORT_S = 5.0
_TOLD_AFTER = 5
_REFUSALS = 4

_chance = random.SystemRandom()

_Found = TypeVar("_Found")


class Followed(Generic[_Found]):
    """The objects of a query by their namespace, or by name if they have none.

    `read` returns what to keep of an object's metadata. `changed` is called with two
    flags: an object is new, and an object is gone. `back` is called when the server was
    away, or forgot our version, and all objects have been seen again. Another thread
    calls both. An object that is being deleted counts as gone.
    """

    def __init__(
        self,
        query: Query,
        read: Callable[[dict[str, Any]], _Found],
        changed: Callable[[bool, bool], object],
        back: Callable[[], object],
        warn: Callable[[str], object],
    ) -> None:
        self._query = query
        self._read = read
        self._changed = changed
        self._back = back
        self._warn = warn
        self._found: dict[str, _Found] = {}
        self._version = ""
        self._failures = 0
        self._refusals = 0
        self._was_away = False
        self._is_told = False
        self._trouble: Exception | None = None
        self._has_looked = threading.Event()
        self._ends = threading.Event()
        self._thread = threading.Thread(
            target=self._run, daemon=True, name=f"follow {query.kind}"
        )

    def all(self) -> dict[str, _Found]:
        """Return the objects; the thread keeps the dict current until it lists again.

        Raises the last error if no list has succeeded yet, or if we are no longer
        allowed to list.
        """
        if not self._thread.ident:
            self._thread.start()
        self._has_looked.wait(FIRST_LIST_S)
        if self._trouble:
            raise self._trouble
        return self._found

    def stop(self) -> None:
        """End the thread at its next event or pause."""
        self._ends.set()
        self._has_looked.set()

    def _run(self) -> None:
        while not self._ends.is_set():
            pause = self._follow()
            self._has_looked.set()
            self._ends.wait(pause)

    def _follow(self) -> float:
        """List if needed, then watch; return the seconds until the next time."""
        began = time.monotonic()
        try:
            cluster = Cluster()  # reads the address, token and CA certificates again
            self._list(cluster)
            self._watch(cluster)
        except GoneError:
            self._version = ""
            self._was_away = True
        except RefusedError as error:
            self._was_away = True
            # A server that has just started does not know the permissions yet.
            self._refusals += 1
            if self._refusals > _REFUSALS and not self._trouble:
                self._version = ""
                self._tell(f"{error} (until then they are listed once a minute)")
                return POLL_S * _chance.uniform(0.8, 1.0)
        except Exception as error:  # noqa: BLE001 - nothing may end the thread
            self._was_away = True
            return max(self._pause_s(began), self._asked_s(error))
        return self._pause_s(began)

    def _list(self, cluster: Cluster) -> None:
        if self._version:
            return
        try:
            found, version = cluster.listed(self._query)
        except Exception as error:
            is_refused = isinstance(error, RefusedError)
            if not self._has_looked.is_set() or (
                is_refused and self._refusals >= _REFUSALS
            ):
                self._trouble = error
            raise
        there = [each for each in found if not is_ending(each)]
        self._found = {_key(each): self._read(each) for each in there}
        self._version = version
        self._trouble = None
        if self._has_looked.is_set():
            self._back()
        self._has_looked.set()

    def _watch(self, cluster: Cluster) -> None:
        """Watch events until the server ends the watch."""
        events = cluster.watched(self._query, self._version)
        self._refusals = 0
        if self._was_away:
            self._was_away = False
            self._back()
        for kind, metadata in events:
            if self._ends.is_set():
                return
            self._version = metadata["resourceVersion"]
            if kind != "BOOKMARK":
                self._take(metadata, is_there=kind != "DELETED")

    def _take(self, metadata: dict[str, Any], *, is_there: bool) -> None:
        key = _key(metadata)
        was_there = key in self._found
        if is_there and not is_ending(metadata):
            self._found[key] = self._read(metadata)
            self._changed(not was_there, False)
        else:
            self._found.pop(key, None)
            self._changed(False, was_there)

    def _pause_s(self, began: float) -> float:
        """Return the seconds until the next try, longer after each short attempt."""
        self._failures += 1
        if time.monotonic() - began >= _SHORT_S:
            self._failures, self._is_told = 0, False
        longest = min(FIRST_PAUSE_S * 2.0**self._failures, LONGEST_PAUSE_S)
        return _chance.uniform(longest / 2, longest)

    def _asked_s(self, error: Exception) -> float:
        """Warn of a lasting failure; return the seconds the server asks to wait."""
        if self._failures >= _TOLD_AFTER and not self._trouble:
            known = isinstance(error, DockcredError)
            self._tell(str(error) if known else unforeseen(error))
        return error.wait_s if isinstance(error, NoTimeError) else 0.0

    def _tell(self, said: str) -> None:
        """Warn once, until the watch has worked for a while."""
        if not self._is_told:
            self._is_told = True
            self._warn(said)


def _key(metadata: dict[str, Any]) -> str:
    found: str = metadata.get("namespace") or metadata["name"]
    return found
