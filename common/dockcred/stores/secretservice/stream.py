"""Send and receive D-Bus messages over a Unix socket.

The socket is made through ctypes where possible, else with Python's socket module.
"""

from __future__ import annotations

import os
import select
import sys
import time

from dockcred.stores.secretservice import wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.stores.secretservice.wire import Body, Call

# The socket numbers below are Linux's on these processors.
_PROCESSORS = frozenset(("x86_64", "aarch64", "i686", "armv7l", "riscv64", "ppc64le"))
_AF_UNIX, _SOCK_STREAM, _SOCK_CLOEXEC = 1, 1, 0o2000000
_NAME_BYTES = 108


def connect(address: bytes) -> int:
    """Return the file descriptor of a connected socket; child programs do not get it.

    An address that begins with NUL is an abstract one. Raises OSError on a failure.
    """
    if sys.platform == "linux" and os.uname().machine in _PROCESSORS:
        descriptor = by_c_library(address)
        if descriptor >= 0:
            return descriptor
    return by_socket(address)


def by_c_library(address: bytes) -> int:
    """Return the file descriptor, connected through libc, or -1 on any failure."""
    if len(address) >= _NAME_BYTES:
        return -1
    try:
        import ctypes  # noqa: PLC0415 - see above

        library = ctypes.CDLL(None)
    except (ImportError, OSError):
        return -1
    descriptor: int = library.socket(_AF_UNIX, _SOCK_STREAM | _SOCK_CLOEXEC, 0)
    if descriptor < 0:
        return -1
    # struct sockaddr_un. The length need not include the NUL at a path's end.
    name = _AF_UNIX.to_bytes(2, sys.byteorder) + address
    if library.connect(descriptor, name, len(name)) == 0:
        return descriptor
    os.close(descriptor)
    return -1


def by_socket(address: bytes) -> int:
    """Return the same with Python's socket module; raise OSError on a failure."""
    import socket  # noqa: PLC0415 - see above

    stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        stream.connect(address)
    except OSError:
        stream.close()
        raise
    return stream.detach()


_BUS = "org.freedesktop.DBus"
_HELLO = (_BUS, "/org/freedesktop/DBus", f"{_BUS}.Hello", "")
_CHUNK = 65536
_MAX_LOGIN_S = 1.0
_MAX_BYTES = 64 * 1024 * 1024


class UnusualError(Exception):
    """Our own code cannot handle this case: jeepney must.

    `name` is the D-Bus error's name, or "" if there was no D-Bus error.
    """

    def __init__(self, name: str = "") -> None:
        super().__init__(name)
        self.name = name


class BusStream:
    """One connection to a bus, made at the first call."""

    def __init__(self, address: str) -> None:
        """Hold a bus's address; nothing is connected yet."""
        self._address = address
        self._descriptor = -1
        self._serial = 0
        self._unread = b""

    def __del__(self) -> None:
        """Close the connection to the bus."""
        if self._descriptor >= 0:
            os.close(self._descriptor)

    def call_batch(self, *calls: Call, seconds: float) -> list[Body]:
        """Send calls together and return each one's results.

        Raises TimeoutError if the answers take longer than `seconds`, OSError if the
        connection breaks, and UnusualError for anything that jeepney must handle.
        """
        deadline = time.monotonic() + seconds
        login = self._connect() if self._descriptor < 0 else b""
        serials = range(self._serial + 1, self._serial + 1 + len(calls))
        self._serial = serials[-1]
        self._send(login + b"".join(map(wire.call, serials, calls)))
        if login:
            self._authenticate()
        answers: dict[int, Body] = {}
        while len(answers) < len(calls):
            message = self._message(deadline)
            if message.kind == wire.ERROR:
                raise UnusualError(message.error)
            if message.reply_to in serials:
                answers[message.reply_to] = message.body
        return [answers[serial] for serial in serials]

    def _connect(self) -> bytes:
        """Connect, and return the bytes to send first."""
        try:
            self._descriptor = connect(_socket(self._address))
        except (OSError, ValueError) as error:
            raise UnusualError from error
        self._serial = 1
        user = str(os.geteuid()).encode().hex()
        login = f"\0AUTH EXTERNAL {user}\r\nBEGIN\r\n".encode()
        return login + wire.call(self._serial, _HELLO)

    def _authenticate(self) -> None:
        deadline = time.monotonic() + _MAX_LOGIN_S
        try:
            while b"\r\n" not in self._unread:
                self._receive(deadline)
        except OSError as error:
            raise UnusualError from error
        line, _, self._unread = self._unread.partition(b"\r\n")
        if not line.startswith(b"OK "):
            raise UnusualError

    def _message(self, deadline: float) -> wire.Message:
        """Return the next message."""
        try:
            while not 0 < (size := wire.length(self._unread)) <= len(self._unread):
                if size > _MAX_BYTES:
                    raise UnusualError
                self._receive(deadline)
            message, self._unread = self._unread[:size], self._unread[size:]
            return wire.Message(message)
        except (ValueError, LookupError, RecursionError) as error:
            raise UnusualError from error

    def _send(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._descriptor, data) :]

    def _receive(self, deadline: float) -> None:
        ready = select.poll()
        ready.register(self._descriptor, select.POLLIN)
        if not ready.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise TimeoutError
        data = os.read(self._descriptor, _CHUNK)
        if not data:
            raise ConnectionResetError
        self._unread += data


def _socket(address: str) -> bytes:
    """Return the socket's path in a D-Bus address, or NUL and an abstract name.

    Raises ValueError for an address of another kind, or several addresses.
    """
    parts = address.removeprefix("unix:").split(",")
    (place,) = (part for part in parts if not part.startswith("guid="))
    if address.startswith("unix:") and not {"%", ";"} & set(address):
        if place.startswith("path="):
            return os.fsencode(place.removeprefix("path="))
        if place.startswith("abstract="):
            return b"\0" + os.fsencode(place.removeprefix("abstract="))
    raise ValueError(address)
