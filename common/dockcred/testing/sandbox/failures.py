"""The failures a user can order: `[SERVICE:]KIND[:TIMES]`."""

from __future__ import annotations

import re
import threading
from collections.abc import Collection
from dataclasses import dataclass

from dockcred.testing.sandbox.messages import Fault
from dockcred.testing.sandbox.service import Reason

REFUSALS = {
    "access-denied": Reason.DENIED,
    "throttle": Reason.THROTTLED,
    "server-error": Reason.BROKEN,
    "expired-token": Reason.EXPIRED,
    "unknown-account": Reason.INVALID,
}
FAULTS = frozenset(fault.value for fault in Fault)
CLOCK_SKEW = "clock-skew"
REFUSE, WRONG_CERTIFICATE = "refuse", "wrong-certificate"
CONNECT_KINDS = frozenset({REFUSE, WRONG_CERTIFICATE})
ANSWER_KINDS = frozenset({*REFUSALS, *FAULTS, CLOCK_SKEW})
KINDS = (*REFUSALS, *sorted(FAULTS), CLOCK_SKEW, REFUSE, WRONG_CERTIFICATE)


@dataclass(slots=True)
class Failure:
    """One kind of failure, of one service or of all, for ever or so many times."""

    service: str | None
    kind: str
    remaining: int | None


def parse(text: str) -> Failure:
    """Read `[SERVICE:]KIND[:TIMES]`; raise ValueError that lists the kinds.

    A kind may be spelled like the cloud's own error: AccessDenied.
    """
    words = text.split(":")
    times = int(words.pop()) if len(words) > 1 and words[-1].isdecimal() else None
    kind = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", words.pop()).lower()
    if kind not in KINDS or len(words) > 1:
        raise ValueError(f"{text!r} is none of: {', '.join(KINDS)}")
    return Failure(words[0] if words else None, kind, times)


class Failures:
    """The failures in force; safe to change while the cloud is serving."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures: list[Failure] = []

    def add(self, text: str) -> None:
        """Put one more failure in force."""
        failure = parse(text)
        with self._lock:
            self._failures.append(failure)

    def clear(self) -> None:
        """Remove every failure: all works again."""
        with self._lock:
            self._failures.clear()

    def take(self, service: str, kinds: Collection[str]) -> str | None:
        """Return the first of these kinds due for the service and count it down."""
        with self._lock:
            for failure in self._failures:
                if failure.kind not in kinds or failure.remaining == 0:
                    continue
                if failure.service in (None, service):
                    if failure.remaining is not None:
                        failure.remaining -= 1
                    return failure.kind
        return None
