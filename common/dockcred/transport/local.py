"""Send and receive lines over a Unix socket, to a program of this machine."""

from __future__ import annotations

import _socket  # as in metadata: socket takes a hundred times as long to load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_CHUNK = 65536


class Lines:
    """One connection; each operation raises TimeoutError when no time is left."""

    def __init__(self, path: str, remaining_s: Callable[[], float]) -> None:
        """Connect; raise OSError where nobody listens there.

        `remaining_s` returns the seconds that are left, by a clock of the caller's.
        """
        self._remaining_s = remaining_s
        self._unread = b""
        self._socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        try:
            self._wait()
            self._socket.connect(path)
        except BaseException:
            self.close()
            raise

    def send(self, data: bytes) -> None:
        """Send all of the data; raise OSError where the other end has gone."""
        left = memoryview(data)
        while left:
            self._wait()
            left = left[self._socket.send(left) :]

    def receive(self, limit: int) -> bytes:
        """Return the next line without its newline; b"" at the end of the stream.

        Raises ValueError for one that is longer than `limit` bytes.
        """
        while b"\n" not in self._unread:
            if len(self._unread) > limit:
                raise ValueError(limit)
            self._wait()
            data = self._socket.recv(_CHUNK)
            if not data:
                return b""
            self._unread += data
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def _wait(self) -> None:
        left_s = self._remaining_s()
        if left_s <= 0:
            raise TimeoutError
        self._socket.settimeout(left_s if left_s != float("inf") else None)
