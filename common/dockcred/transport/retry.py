"""Asking again, as long as there is time and the other end asks for patience."""

from __future__ import annotations

import time

from dockcred import watchdog

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from dockcred.transport.response import Response

_FIRST_PAUSE_S = 0.25
_SPARE_S = 1.0
_GONE = 410  # Azure's IMDS, while it is being updated
_TOO_MANY = 429
_SERVER_ERROR = 500


def patiently(ask: Callable[[], Response]) -> Response:
    """Repeat a request that is throttled or stumbles; answer its last response."""
    pause = _FIRST_PAUSE_S
    while True:
        response = ask()
        status = response.status
        if status not in {_GONE, _TOO_MANY} and status < _SERVER_ERROR:
            return response
        # The clock's last digits spread callers who were turned away together.
        wait = max(delay_s(response), pause + pause * (time.time_ns() % 1000) / 1000)
        if watchdog.remaining_s() < wait + _SPARE_S or pause > 4 * _FIRST_PAUSE_S:
            return response
        time.sleep(wait)
        pause *= 2


def delay_s(response: Response) -> float:
    """Answer Retry-After in seconds, 0 where it is a date or absent."""
    text = response.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() else 0.0
