"""One HTTP/1.1 request over a verified connection, bounded in time and size.

socket and, for https, ssl: http.client would cost 97 M instructions more, twice a
whole cold `get` (performance.md B2, rows iv and iv3 of B4). A redirect is an answer
like any other: nothing is ever sent on to another host.
"""

from __future__ import annotations

import socket
import time

from dockcred import log, watchdog
from dockcred.errors import InvalidInputError, TransportError
from dockcred.transport import proxies

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from dockcred.environment import Environment

MAX_BODY_BYTES = 1024 * 1024
MAX_HEAD_BYTES = 64 * 1024
METADATA_HOSTS = frozenset(
    {
        "169.254.169.254",
        "169.254.170.2",
        "169.254.170.23",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "metadata.google.internal",
    }
)


class Response:
    """A status, headers by lower-case name, and a body of at most MAX_BODY_BYTES."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    def json(self) -> Any:
        """Read the body as JSON; ValueError or RecursionError where it is none."""
        import json  # noqa: PLC0415 - there already: `request` imports it

        return json.loads(self.body)


class Target:
    """A URL in its parts; plain http is spoken to this machine and metadata only."""

    __slots__ = ("host", "is_local", "netloc", "path", "port", "tls")

    def __init__(self, url: str) -> None:
        """Take the URL apart; raise InvalidInputError if a secret may not go there."""
        scheme, _, rest = url.partition("://")
        netloc, slash, path = rest.partition("/")
        self.path = (slash + path) or "/"
        self.tls = scheme == "https"
        host, port = _split(netloc)
        self.host = host
        self.is_local = (
            host in METADATA_HOSTS or is_loopback(host) or is_link_local(host)
        )
        if scheme not in {"https", "http"} or not host or "@" in netloc:
            raise InvalidInputError("an endpoint is not an https URL", "mend its URL")
        if not self.tls and not self.is_local:
            raise InvalidInputError(
                f"plain http to {host} is refused: it would carry a secret in clear",
                "name an https endpoint",
            )
        self.port = port or (443 if self.tls else 80)
        default = 443 if self.tls else 80
        shown = f"[{host}]" if ":" in host else host
        self.netloc = shown if self.port == default else f"{shown}:{self.port}"


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine, by its literal address or name."""
    return host in {"localhost", "::1"} or (_is_ipv4(host) and host.startswith("127."))


def is_link_local(host: str) -> bool:
    """Tell whether a host is on this link (RFC 3927), where no router passes it on.

    App Service puts its identity endpoint on such an address, anew per container.
    """
    return _is_ipv4(host) and host.startswith("169.254.")


def _is_ipv4(host: str) -> bool:
    parts = host.split(".")
    return len(parts) == 4 and all(part.isdigit() for part in parts)  # noqa: PLR2004


def request(
    method: str,
    url: str,
    environment: Environment,
    *,
    headers: dict[str, str],
    body: bytes = b"",
    timeout_s: float = 5.0,
    ca_variables: Iterable[str] = (),
    meanwhile: Iterable[str] = (),
) -> Response:
    """Send one request and answer what came back, whatever its status.

    `timeout_s` bounds the whole exchange. `meanwhile` names modules that are needed
    next: the other end's time to think is theirs to be imported in. Raises
    TransportError with the cause.
    """
    target = Target(url)
    watchdog.doing(f"asking {target.netloc}")
    log.debug(f"{method} {target.netloc}{target.path.partition('?')[0]}")
    deadline = time.monotonic() + timeout_s
    try:
        with _connect(target, environment, deadline, ca_variables) as connection:
            head = {"host": target.netloc} | headers
            head |= {"content-length": str(len(body)), "connection": "close"}
            lines = [f"{method} {target.path} HTTP/1.1"]
            lines += [f"{name}: {value}" for name, value in head.items()]
            if any("\r" in line or "\n" in line for line in lines):
                raise InvalidInputError("a header would span lines", "mend its source")
            connection.sendall("\r\n".join((*lines, "", "")).encode("latin-1") + body)
            # json reads the answer: 4.5 M instructions that nobody waits for here.
            for module in ("json", *meanwhile):
                __import__(module)
            return _Reader(connection, deadline, target.netloc).response()
    except OSError as error:
        from dockcred.transport import problems  # noqa: PLC0415 - a failure only

        raise problems.meaning(error, target, timeout_s) from None


def _split(netloc: str) -> tuple[str, int]:
    if netloc.startswith("["):
        host, _, port = netloc[1:].partition("]")
        port = port.removeprefix(":")
    else:
        host, _, port = netloc.partition(":")
    if port and not (port.isascii() and port.isdigit()):
        raise InvalidInputError("an endpoint's port is not a number", "mend its URL")
    return host.lower(), int(port or 0)


def _connect(
    target: Target,
    environment: Environment,
    deadline: float,
    ca_variables: Iterable[str],
) -> socket.socket:
    """Open the connection, verified where it is TLS."""
    if not target.tls:
        return _open(target, environment, deadline)
    import ssl  # noqa: PLC0415 - 21 M instructions, not for metadata's plain http

    from dockcred.transport import trust  # noqa: PLC0415

    refusal: ssl.SSLCertVerificationError | None = None
    for context in trust.contexts(environment, ca_variables):
        connection = _open(target, environment, deadline)
        try:
            connection.settimeout(_left(deadline))
            return context.wrap_socket(connection, server_hostname=target.host.encode())
        except ssl.SSLCertVerificationError as error:
            connection.close()
            refusal = error
        except BaseException:
            connection.close()
            raise
    raise refusal or ssl.SSLCertVerificationError("there are no roots")


def _open(target: Target, environment: Environment, deadline: float) -> socket.socket:
    """Open the way to the target, through a proxy where one is named."""
    proxy = None if target.is_local else proxies.proxy_for(target, environment)
    host, port = (proxy.host, proxy.port) if proxy else (target.host, target.port)
    try:
        # As bytes: a str host imports encodings.idna, 6 to 10 ms (performance.md B4).
        connection = socket.create_connection(
            (host.encode(), port),  # type: ignore[arg-type]
            _left(deadline),
        )
    except OSError as error:
        raise proxy.unreached(error) if proxy else error from None
    if proxy:
        try:
            connection.sendall(proxy.connect_request(target))
            answer = _Reader(connection, deadline, proxy.name).response(body=False)
            proxy.check(answer.status, target)
        except BaseException:
            connection.close()
            raise
    return connection


def _left(deadline: float) -> float:
    """Answer the seconds that are left, and raise TimeoutError if none are."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


class _Reader:
    """The bytes of one response, from a connection that may send anything."""

    def __init__(self, connection: socket.socket, deadline: float, name: str) -> None:
        self._connection = connection
        self._deadline = deadline
        self._name = name
        self._held = b""

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
        if not (length.isascii() and length.isdigit()):
            raise self._garbage()
        return Response(status, headers, self._exactly(int(length)))

    def _head(self) -> tuple[int, dict[str, str]]:
        while b"\r\n\r\n" not in self._held:
            if len(self._held) > MAX_HEAD_BYTES or not self._more():
                raise self._garbage()
        head, _, self._held = self._held.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        version, _, rest = first.partition(" ")
        status = rest[:3]
        if not version.startswith("HTTP/1.") or not status.isdigit():
            raise self._garbage()
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        return int(status), headers

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
        self._connection.settimeout(_left(self._deadline))
        chunk = self._connection.recv(65536)
        self._held += chunk
        return bool(chunk)

    def _garbage(self) -> TransportError:
        return TransportError(
            f"{self._name} did not answer in HTTP",
            "see what listens there: a captive portal or another service",
        )

    def _half(self) -> TransportError:
        return TransportError(
            f"{self._name} ended its answer half-way", "try again; then see its logs"
        )

    def _too_long(self) -> TransportError:
        return TransportError(
            f"the answer of {self._name} is longer than 1 MiB",
            "see what listens there: a captive portal or another service",
        )
