"""A connection to the D-Bus session bus on which calls travel together.

A flight is written at once and answered in its order: one wait instead of one per
call. The first carries the login and Hello too, as sd-bus sends them.
https://dbus.freedesktop.org/doc/dbus-specification.html#auth-protocol
"""

from __future__ import annotations

import os
import select
import time

from dockcred.stores import dbus_wire, unix_socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.stores.dbus_wire import Body, Call

_BUS = "org.freedesktop.DBus"
_HELLO = (_BUS, "/org/freedesktop/DBus", f"{_BUS}.Hello", "")
_CHUNK = 65536
_MAX_LOGIN_S = 1.0
_MAX_BYTES = 64 * 1024 * 1024


class UnusualError(Exception):
    """The conversation took a turn that is the library's to handle.

    `name` is that of the D-Bus error, if it was one.
    """

    def __init__(self, name: str = "") -> None:
        super().__init__(name)
        self.name = name


class BusStream:
    """One connection, made at the first flight."""

    def __init__(self, address: str) -> None:
        """Take a bus's address; nothing is connected yet."""
        self._address = address
        self._descriptor = -1
        self._serial = 0
        self._unread = b""

    def __del__(self) -> None:
        """Leave the bus."""
        if self._descriptor >= 0:
            os.close(self._descriptor)

    def fly(self, *calls: Call, seconds: float) -> list[Body]:
        """Send calls together and answer what each returns.

        Raises TimeoutError where the answers take longer than so many seconds, OSError
        where the bus goes away, and UnusualError.
        """
        deadline = time.monotonic() + seconds
        login = self._connect() if self._descriptor < 0 else b""
        serials = range(self._serial + 1, self._serial + 1 + len(calls))
        self._serial = serials[-1]
        self._send(login + b"".join(map(dbus_wire.call, serials, calls)))
        if login:
            self._be_welcome()
        answers: dict[int, Body] = {}
        while len(answers) < len(calls):
            message = self._message(deadline)
            if message.kind == dbus_wire.ERROR:
                raise UnusualError(message.error)
            if message.reply_to in serials:
                answers[message.reply_to] = message.body
        return [answers[serial] for serial in serials]

    def _connect(self) -> bytes:
        """Connect, and answer what is to be said first."""
        try:
            self._descriptor = unix_socket.connect(_socket(self._address))
        except (OSError, ValueError) as error:
            raise UnusualError from error
        self._serial = 1
        user = str(os.geteuid()).encode().hex()
        login = f"\0AUTH EXTERNAL {user}\r\nBEGIN\r\n".encode()
        return login + dbus_wire.call(self._serial, _HELLO)

    def _be_welcome(self) -> None:
        deadline = time.monotonic() + _MAX_LOGIN_S
        try:
            while b"\r\n" not in self._unread:
                self._receive(deadline)
        except OSError as error:
            raise UnusualError from error
        line, _, self._unread = self._unread.partition(b"\r\n")
        if not line.startswith(b"OK "):
            raise UnusualError

    def _message(self, deadline: float) -> dbus_wire.Message:
        """Answer the next message."""
        try:
            while not 0 < (size := dbus_wire.length(self._unread)) <= len(self._unread):
                if size > _MAX_BYTES:
                    raise UnusualError
                self._receive(deadline)
            message, self._unread = self._unread[:size], self._unread[size:]
            return dbus_wire.Message(message)
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
    """Answer where one plain address leads, an abstract name with a NUL before it.

    Raises ValueError for any other kind.
    """
    parts = address.removeprefix("unix:").split(",")
    (place,) = (part for part in parts if not part.startswith("guid="))
    if address.startswith("unix:") and not {"%", ";"} & set(address):
        if place.startswith("path="):
            return os.fsencode(place.removeprefix("path="))
        if place.startswith("abstract="):
            return b"\0" + os.fsencode(place.removeprefix("abstract="))
    raise ValueError(address)
