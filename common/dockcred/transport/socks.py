"""A tunnel through a SOCKS5 proxy: RFC 1928, and RFC 1929 for the password."""

from __future__ import annotations

from dockcred.errors import InvalidInputError, TransportError
from dockcred.transport.response import seconds_left

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket

    from dockcred.transport.target import Target

_VERSION = 5
_NO_LOGIN, _PASSWORD, _NONE = 0, 2, 0xFF
_LONGEST = 255
_IPV4, _NAME, _IPV6 = 1, 3, 4
_REFUSALS = {
    2: "its rules forbid it",
    3: "the network is unreachable",
    4: "the host is unreachable",
    5: "connection refused",
    6: "it took too long",
}
_PASSING = frozenset({1, 3, 4, 5, 6})
_LOGIN = "put the proxy's user and password into HTTPS_PROXY"


class Tunnel:
    """One connection to a proxy; `deadline` is a time on time.monotonic()."""

    def __init__(self, connection: socket.socket, deadline: float, name: str) -> None:
        self._connection = connection
        self._deadline = deadline
        self._name = name

    def open(self, target: Target, user: str = "", password: str = "") -> None:
        """Ask the proxy for a tunnel to a target; TransportError if it refuses."""
        methods = bytes((_NO_LOGIN, _PASSWORD) if user else (_NO_LOGIN,))
        self._send(bytes((_VERSION, len(methods))) + methods)
        version, method = self._read(2)
        if version != _VERSION:
            raise self._garbage()
        if method == _PASSWORD and user:
            self._log_in(user.encode(), password.encode())
        elif method == _NONE:
            raise TransportError(f"{self._name} wants a login", _LOGIN)
        elif method != _NO_LOGIN:
            raise self._garbage()
        host = _field(target.host.encode())
        port = target.port.to_bytes(2, "big")
        self._send(bytes((_VERSION, 1, 0)) + _address(target.host, host) + port)
        _, refusal, _, kind = self._read(4)
        if refusal:
            why = _REFUSALS.get(refusal, f"SOCKS error {refusal}")
            raise TransportError(
                f"{self._name} did not connect to {target.netloc}: {why}",
                "see HTTPS_PROXY and NO_PROXY, or let the proxy pass this host",
                "connecting" if refusal in _PASSING else "",
            )
        # The address that the proxy connects from follows; it is not needed.
        lengths = {_IPV4: 4, _IPV6: 16}
        self._read(lengths[kind] if kind in lengths else self._read(1)[0])
        self._read(2)

    def _log_in(self, user: bytes, password: bytes) -> None:
        self._send(bytes((1,)) + _field(user) + _field(password))
        if self._read(2)[1]:
            raise TransportError(f"{self._name} does not accept the login", _LOGIN)

    def _send(self, data: bytes) -> None:
        self._connection.settimeout(seconds_left(self._deadline))
        self._connection.sendall(data)

    def _read(self, length: int) -> bytes:
        held = b""
        while len(held) < length:
            self._connection.settimeout(seconds_left(self._deadline))
            chunk = self._connection.recv(length - len(held))
            if not chunk:
                raise TransportError(
                    f"{self._name} ended the connection",
                    "see HTTPS_PROXY: is it a SOCKS5 proxy?",
                    "answering",
                )
            held += chunk
        return held

    def _garbage(self) -> TransportError:
        return TransportError(
            f"{self._name} does not speak SOCKS5",
            "see HTTPS_PROXY: an http proxy is written http://",
        )


def _address(host: str, name: bytes) -> bytes:
    """Encode a host: an IP address as bytes, any other host by its name."""
    import socket  # noqa: PLC0415 - loaded by now

    for kind, family in ((_IPV4, socket.AF_INET), (_IPV6, socket.AF_INET6)):
        try:
            return bytes((kind,)) + socket.inet_pton(family, host)
        except OSError:
            continue
    return bytes((_NAME,)) + name


def _field(value: bytes) -> bytes:
    """Return bytes after their length; raise InvalidInputError if they are too long."""
    if len(value) > _LONGEST:
        raise InvalidInputError("a name for a SOCKS5 proxy is too long", "shorten it")
    return bytes((len(value),)) + value
