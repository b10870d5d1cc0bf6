"""The failures that a user can order: `[SERVICE:]KIND[=SECONDS][:TIMES]`."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass, field

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
SLOW, LATE = "slow", "late"
SECONDS = {SLOW: 1.5, LATE: 20.0}
"""Seconds that these take by default."""
REFUSE, WRONG_CERTIFICATE = "refuse", "wrong-certificate"
PROXY_BUSY, PROXY_PAGE, NO_TLS = "proxy-busy", "proxy-page", "no-tls"
STATUS, CODE = "NNN", "Code"
AT_THE_PROXY = {
    REFUSE: "the proxy refuses the connection (403)",
    PROXY_BUSY: "the proxy answers 503 and an HTML page",
    PROXY_PAGE: "the proxy answers 200 and an HTML page where the tunnel would begin",
    NO_TLS: "the connection is reset where TLS begins",
    WRONG_CERTIFICATE: "the certificate is another host's",
}
IN_THE_ANSWER = {
    "access-denied": "the service denies it, in its own words",
    "throttle": "the service has too many calls, in its own words",
    "server-error": "the service is broken, in its own words",
    "expired-token": "the identity has expired, in the service's own words",
    "unknown-account": "the request is not valid, in the service's own words",
    Fault.GARBAGE.value: "bytes that are no HTTP",
    Fault.GARBAGE_BODY.value: "status 200, and a body that is no text",
    Fault.WRONG_SHAPE.value: "status 200, and JSON of another shape",
    Fault.PAGE.value: "status 200, and an HTML page, as captive portals answer",
    Fault.HALF.value: "half an answer",
    Fault.HUGE.value: "an answer of 100 MB",
    Fault.HANG.value: "the request is taken and never answered",
    Fault.RESET.value: "the connection is reset once the request is there",
    Fault.CLOSED.value: "the connection is closed without an answer",
    SLOW: "the answer takes so many SECONDS (1.5)",
    LATE: "nobody answers until so many SECONDS (20) have passed",
    CLOCK_SKEW: "the service's clock is an hour ahead",
}
PATTERNS = {
    STATUS: "this status: 429 and 5xx in the service's words, others as an HTML page",
    "NNN-json": "this status and a JSON document that is not the service's",
    CODE: "AWS's error code of this name (400), such as IDPCommunicationError",
}
KINDS = IN_THE_ANSWER | AT_THE_PROXY
"""The description of each kind. A status or an error code can be ordered, too."""
CONNECT_KINDS = frozenset(AT_THE_PROXY)
ANSWER_KINDS = frozenset({*IN_THE_ANSWER, *PATTERNS})
_NUMBER = re.compile(r"[1-5][0-9]{2}(-json)?")
_WORD = re.compile(r"[A-Z][A-Za-z]+")


@dataclass(slots=True)
class Failure:
    """One kind of failure, of one service or of all; `remaining` times, or always.

    `detail` is the ordered status or code. `seconds` is how long the failure takes.
    """

    service: str | None
    kind: str
    remaining: int | None
    detail: str = ""
    seconds: float = 0.0
    ordered_at: float = field(default_factory=time.monotonic)


def parse(text: str) -> Failure:
    """Parse `[SERVICE:]KIND[=SECONDS][:TIMES]`; raise ValueError that lists the kinds.

    A kind may be written like the cloud's own error: AccessDenied.
    """
    words = text.split(":")
    times = None
    if len(words) > 1 and words[-1].isdecimal() and _read(words[-2]):
        times = int(words.pop())
    read = _read(words.pop())
    if read is None or len(words) > 1:
        known = ", ".join((*KINDS, *PATTERNS))
        raise ValueError(f"{text!r} is none of: {known}")
    kind, detail, seconds = read
    return Failure(words[0] if words else None, kind, times, detail, seconds)


def _read(word: str) -> tuple[str, str, float] | None:
    """Return the kind, detail and seconds of a word; None if it is no kind."""
    if _NUMBER.fullmatch(word):
        number, dash, _ = word.partition("-")
        return f"{STATUS}-json" if dash else STATUS, number, 0.0
    name, equals, seconds = word.partition("=")
    kind = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()
    if kind in SECONDS:
        try:
            return kind, "", float(seconds) if equals else SECONDS[kind]
        except ValueError:
            return None
    if equals:
        return None
    if kind in KINDS:
        return kind, "", 0.0
    return (CODE, word, 0.0) if _WORD.fullmatch(word) else None


class Failures:
    """The active failures; they may change while the sandbox runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures: list[Failure] = []

    def add(self, text: str) -> None:
        """Add one failure."""
        failure = parse(text)
        with self._lock:
            self._failures.append(failure)

    def clear(self) -> None:
        """Remove all failures."""
        with self._lock:
            self._failures.clear()

    def take(self, service: str, kinds: Collection[str]) -> Failure | None:
        """Return the first failure of these kinds for the service; count it down."""
        with self._lock:
            for failure in self._failures:
                if failure.kind not in kinds or failure.remaining == 0:
                    continue
                if failure.service not in {None, service} or _is_over(failure):
                    continue
                if failure.remaining is not None:
                    failure.remaining -= 1
                return failure
        return None


def _is_over(failure: Failure) -> bool:
    """Return whether a late service has started by now."""
    passed = time.monotonic() - failure.ordered_at
    return failure.kind == LATE and passed >= failure.seconds
