"""google-auth's requests over our own connection: one trust, one bound, no redirects.

google-auth takes any callable of this shape (google.auth.transport.Request).
"""

from __future__ import annotations

from dockcred import watchdog
from dockcred.transport.http import request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from dockcred.environment import Environment

TIMEOUT_S = 5.0


class Answer:
    """A response in google-auth's words."""

    __slots__ = ("data", "headers", "status")

    def __init__(self, status: int, headers: dict[str, str], data: bytes) -> None:
        """Hold the three; header names are lower-case."""
        self.status = status
        self.headers = headers
        self.data = data


class Connection:
    """What google-auth asks through."""

    def __init__(self, environment: Environment) -> None:
        """Hold the variables that choose proxy and trust."""
        self._environment = environment

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_: object,
    ) -> Answer:
        """Send one request; `timeout` is in seconds, and never longer than ours."""
        content = body.encode() if isinstance(body, str) else body or b""
        answer = request(
            method,
            url,
            self._environment,
            headers={
                name.lower(): text(value) for name, value in (headers or {}).items()
            },
            body=content,
            timeout_s=min(timeout or TIMEOUT_S, TIMEOUT_S, _left()),
        )
        return Answer(answer.status, answer.headers, answer.body)


def text(value: object) -> str:
    """Write a header's value, which google-auth may hand over as bytes."""
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _left() -> float:
    return max(0.1, watchdog.remaining_s())
