"""Read one HTTP/1.1 response from a connection that may send anything."""

from __future__ import annotations

import time

from dockcred.credential import is_count
from dockcred.errors import TransportError
from dockcred.transport import json_reader

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from typing import Any

MAX_BODY_BYTES = 1024 * 1024
MAX_HEAD_BYTES = 64 * 1024
_START = b"HTTP/1."
_MOST = 2**63 - 1


class Response:
    """A status, headers by lower-case name, and a body of at most MAX_BODY_BYTES."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    def json(self) -> Any:
        """Parse the body as JSON; raise ValueError or RecursionError if it is none."""
        return json_reader.loads(self.body)


def seconds_left(deadline: float) -> float:
    """Return the seconds until a time on time.monotonic(); TimeoutError if none."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


class Reader:
    """Reads one response; `deadline` is on time.monotonic(), `name` is for errors."""

    def __init__(self, connection: socket.socket, deadline: float, name: str) -> None:
        self._connection = connection
        self._deadline = deadline
        self._name = name
        self._held = b""

    def has_begun(self) -> bool:
        """Return whether bytes, or the end of the stream, can be read at once."""
        import select  # noqa: PLC0415 - socket's neighbour

        if not hasattr(select, "poll"):
            return True  # Windows: nothing is done in the meantime
        poll = select.poll()
        poll.register(self._connection, select.POLLIN)
        return bool(poll.poll(0))

    def response(self, *, body: bool = True) -> Response:
        """Read a response; with `body` false, stop at the end of its head."""
        while True:
            status, headers = self._head()
            if status >= 200:  # noqa: PLR2004 - 1xx come before the answer
                break
        if not body or status == 204:  # noqa: PLR2004 - no content
            return Response(status, headers, b"")
        if "chunked" in headers.get("transfer-encoding", "").lower():
            return Response(status, headers, self._chunked())
        length = headers.get("content-length")
        if length is None:
            return Response(status, headers, self._rest())
        if not is_count(length, _MOST):
            raise self._garbage()
        return Response(status, headers, self._exactly(int(length)))

    def _head(self) -> tuple[int, dict[str, str]]:
        while b"\r\n\r\n" not in self._held:
            if len(self._held) > MAX_HEAD_BYTES:
                raise self._garbage()
            if not self._more():
                if not self._held:
                    raise TransportError(
                        f"{self._name} ended the connection without an answer",
                        "try again; then see its logs",
                        "answering",
                    )
                begun = _START.startswith(self._held[: len(_START)])
                raise self._half() if begun else self._garbage()
        head, _, self._held = self._held.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        version, _, rest = first.partition(" ")
        status = rest[:3]
        if not version.startswith("HTTP/1.") or not is_count(status, _MOST):
            raise self._garbage()
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        return int(status), headers

    def has_more(self) -> bool:
        """Return whether bytes have come that are not part of the response."""
        return bool(self._held)

    def _exactly(self, length: int) -> bytes:
        if length > MAX_BODY_BYTES:
            raise self._too_long()
        while len(self._held) < length:
            if not self._more():
                raise self._half()
        taken, self._held = self._held[:length], self._held[length:]
        return taken

    def _chunked(self) -> bytes:
        body = b""
        while True:
            while b"\r\n" not in self._held:
                if len(self._held) > MAX_HEAD_BYTES or not self._more():
                    raise self._half()
            size, _, self._held = self._held.partition(b"\r\n")
            try:
                length = int(size.partition(b";")[0].strip(), 16)
            except ValueError:
                raise self._garbage() from None
            if length < 0 or len(body) + length > MAX_BODY_BYTES:
                raise self._too_long()
            if length == 0:
                return body
            body += self._exactly(length + 2)[:-2]

    def _rest(self) -> bytes:
        while self._more():
            if len(self._held) > MAX_BODY_BYTES:
                raise self._too_long()
        return self._held

    def _more(self) -> bool:
        self._connection.settimeout(seconds_left(self._deadline))
        chunk = self._connection.recv(65536)
        self._held += chunk
        return bool(chunk)

    def _garbage(self) -> TransportError:
        return TransportError(
            f"{self._name} did not answer in HTTP",
            "see what listens there: a captive portal or another service",
            "answering",
        )

    def _half(self) -> TransportError:
        return TransportError(
            f"{self._name} ended its answer half-way",
            "try again; then see its logs",
            "answering",
        )

    def _too_long(self) -> TransportError:
        return TransportError(
            f"the answer of {self._name} is longer than 1 MiB",
            "see what listens there: a captive portal or another service",
        )
