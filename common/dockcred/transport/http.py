"""One HTTP/1.1 request over a verified connection, bounded in time and size.

socket and, for https, ssl: http.client would cost 97 M instructions more, twice a
whole cold `get` (performance.md B2, rows iv and iv3 of B4). A redirect is an answer
like any other: nothing is ever sent on to another host.
"""

from __future__ import annotations

import socket
import time

from dockcred import log, watchdog
from dockcred.errors import InvalidInputError
from dockcred.transport import proxies
from dockcred.transport.response import Reader, Response, seconds_left
from dockcred.transport.target import Target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from dockcred.environment import Environment


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
            if not all(map(str.isascii, lines)):
                raise InvalidInputError("a header is not ASCII", "mend its source")
            connection.sendall("\r\n".join((*lines, "", "")).encode("ascii") + body)
            # json reads the answer: 4.5 M instructions that nobody waits for here.
            for module in ("json", *meanwhile):
                __import__(module)
            return Reader(connection, deadline, target.netloc).response()
    except OSError as error:
        from dockcred.transport import problems  # noqa: PLC0415 - a failure only

        raise problems.meaning(error, target, timeout_s) from None


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
            connection.settimeout(seconds_left(deadline))
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
            seconds_left(deadline),
        )
    except OSError as error:
        raise proxy.unreached(error) if proxy else error from None
    if proxy:
        try:
            connection.sendall(proxy.connect_request(target))
            answer = Reader(connection, deadline, proxy.name).response(body=False)
            proxy.check(answer.status, target)
        except BaseException:
            connection.close()
            raise
    return connection
