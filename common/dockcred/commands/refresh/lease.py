"""Decide which of several replicas writes: the one that holds a Lease.

It follows the rules of Kubernetes' own controllers. No clock is compared with another
machine's. Each replica measures with its own clock how long the Lease was unchanged, or
how long it has held the Lease.
"""

from __future__ import annotations

import random
import re
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dockcred.commands.refresh.answers import ConflictError, NotThereError
from dockcred.commands.refresh.cluster import Cluster
from dockcred.commands.refresh.target import Report
from dockcred.errors import DockcredError, InvalidInputError, unforeseen
from dockcred.system import host_name

LEASE_S = 15.0
"""Seconds that other replicas wait after the Lease changed for the last time."""

HELD_S = 10.0
"""Seconds that we write after sending the last renewal that succeeded.

A request that is running when they are over has the rest of LEASE_S to end.
"""

RENEW_S = 2.0
_LONGEST_LEASE_S = 300.0
_RELEASE_S = 5.0
_NAME = "[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?"

_chance = random.SystemRandom()


def _now() -> float:
    """Return monotonic seconds that include the time the machine was asleep."""
    # On macOS, CLOCK_MONOTONIC counts sleep, and there is no CLOCK_BOOTTIME.
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@dataclass(frozen=True)
class LeaseName:
    """The namespace and name of a Lease."""

    namespace: str
    name: str

    @classmethod
    def read(cls, text: str) -> LeaseName:
        """Read NAMESPACE/NAME; raise InvalidInputError for other text."""
        found = re.fullmatch(f"({_NAME})/({_NAME})", text)
        if not found:
            raise InvalidInputError(
                f"{text!a} is no Lease", "write --lease NAMESPACE/NAME"
            )
        return cls(found[1], found[2])

    def __str__(self) -> str:
        """Return NAMESPACE/NAME."""
        return f"{self.namespace}/{self.name}"


class Lease:
    """A thread that tries to acquire the Lease, and then to keep it."""

    def __init__(self, where: LeaseName, tell: Report, warn: Report) -> None:
        self._where = where
        self._tell = tell
        self._warn = warn
        self._us = f"{host_name()}_{uuid.uuid4().hex[:8]}"
        self._wake: Callable[[], object] = lambda: None
        self._held_until = 0.0
        self._was_held = False
        self._seen = ("", 0.0)
        self._holder: str | None = None
        self._told = ""
        self._ends = threading.Event()
        self._cluster: Cluster | None = None
        self._thread = threading.Thread(target=self._run, daemon=True, name="lease")

    def start(self, wake: Callable[[], object]) -> None:
        """Start; `wake` is called when we acquire the Lease and when we lose it."""
        self._wake = wake
        self._thread.start()

    def is_held(self) -> bool:
        """Return whether we surely hold the Lease at this moment."""
        return _now() < self._held_until

    def release(self) -> None:
        """Stop the thread; if we hold the Lease, release it at once."""
        self._ends.set()
        self._thread.join(_RELEASE_S)
        if not self._thread.is_alive() and self.is_held():
            self._held_until = 0.0
            try:
                cluster = Cluster()
                found = cluster.lease(self._where.namespace, self._where.name)
                if _spec(found).get("holderIdentity") == self._us:
                    self._write(cluster, found, "")
            except DockcredError as error:
                self._say(f"{error} (others wait until the Lease is over)")

    def _run(self) -> None:
        while not self._ends.is_set():
            try:
                self._try()
                self._told = ""
            except ConflictError:
                continue_at_once = not self._ends.wait(_chance.uniform(0, 0.2))
                if continue_at_once:
                    continue
            except DockcredError as error:
                self._say(str(error))
            except Exception as error:  # noqa: BLE001 - nothing may end the thread
                self._say(unforeseen(error))
            self._note()
            self._ends.wait(RENEW_S * _chance.uniform(1.0, 1.2))

    def _try(self) -> None:
        """Renew the Lease if it is ours; acquire it if it is free or expired."""
        # The connection is reused until a request fails.
        cluster, self._cluster = self._cluster or Cluster(), None
        try:
            found = cluster.lease(self._where.namespace, self._where.name)
        except NotThereError:
            asked = _now()
            cluster.create_lease(self._where.namespace, self._body(None, self._us))
            self._won(asked)
            self._cluster = cluster
            return
        self._cluster = cluster
        spec = _spec(found)
        holder = spec.get("holderIdentity") or ""
        if holder != self._us:
            self._held_until = 0.0
            if holder and not self._is_over(found["metadata"], spec):
                self._heed(holder)
                return
        asked = _now()
        self._write(cluster, found, self._us)
        self._won(asked)

    def _is_over(self, metadata: dict[str, Any], spec: dict[str, Any]) -> bool:
        """Return whether the Lease was unchanged for its duration, by our clock."""
        now, version = _now(), metadata["resourceVersion"]
        if self._seen[0] != version:
            self._seen = (version, now)
        length = spec.get("leaseDurationSeconds") or LEASE_S
        return now >= self._seen[1] + min(float(length), _LONGEST_LEASE_S)

    def _write(self, cluster: Cluster, found: dict[str, Any], holder: str) -> None:
        """Replace the found version; ConflictError if there is a newer one."""
        body = self._body(found, holder)
        cluster.replace_lease(self._where.namespace, self._where.name, body)

    def _body(self, found: dict[str, Any] | None, holder: str) -> dict[str, Any]:
        """Return the Lease with its new holder; other fields stay as found."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        before = _spec(found) if found else {}
        spec = before | {
            "holderIdentity": holder,
            "leaseDurationSeconds": int(LEASE_S) if holder else 1,
            "renewTime": now,
        }
        if before.get("holderIdentity") != holder:
            spec["acquireTime"] = now
            spec["leaseTransitions"] = int(before.get("leaseTransitions") or 0) + 1
        metadata = found["metadata"] if found else {"name": self._where.name}
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": metadata,
            "spec": spec,
        }

    def _won(self, asked: float) -> None:
        self._held_until = asked + HELD_S
        self._holder = self._us

    def _heed(self, holder: str) -> None:
        if holder != self._holder:
            self._holder = holder
            self._tell(f"waits: {holder} holds the Lease {self._where}")

    def _note(self) -> None:
        """Report that we acquired or lost the Lease, and wake the loop."""
        was_held, self._was_held = self._was_held, self.is_held()
        if self._was_held and not was_held:
            self._tell(f"has the Lease {self._where} as {self._us}")
            self._wake()
        if was_held and not self._was_held:
            self._warn(f"lost the Lease {self._where}: another may write now")
            self._wake()

    def _say(self, said: str) -> None:
        """Warn of a failure once, until an attempt succeeds."""
        if said != self._told:
            self._told = said
            self._warn(said)


def _spec(found: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = found.get("spec") or {}
    return spec
