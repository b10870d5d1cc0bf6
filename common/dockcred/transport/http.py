"""One HTTP/1.1 request over a verified connection, bounded in time and size.

On socket and, for https, ssl (see way): http.client would cost 97 M instructions more,
twice a whole cold `get` (performance.md B2, rows iv and iv3 of B4). A redirect is an
answer like any other: nothing is ever sent on to another host.
"""

from __future__ import annotations

import time

from dockcred import log, spare_time, watchdog
from dockcred.errors import InvalidInputError
from dockcred.transport import lean
from dockcred.transport.response import Reader, Response
from dockcred.transport.target import Target
from dockcred.transport.way import Way

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dockcred.environment import Environment

    Headers = dict[str, str] | Callable[[], dict[str, str]]

GREETING_S = 1.0


def request(
    method: str,
    url: str,
    environment: Environment,
    *,
    headers: Headers,
    body: bytes = b"",
    timeout_s: float = 5.0,
    ca_variables: Iterable[str] = (),
) -> Response:
    """Send one request and answer what came back, whatever its status.

    `timeout_s` bounds the whole exchange. `headers` that take time are a function: it
    is called while TLS is agreed upon. Raises TransportError with the cause.
    """
    target = Target(url)
    watchdog.doing(f"asking {target.netloc}")
    # Not its path: that of a container's credentials is the secret itself.
    log.debug(f"{method} {target.netloc}")
    # What takes long to import is not the other end's time.
    lean.load("ssl" if target.tls else "socket")
    deadline = time.monotonic() + timeout_s
    own: dict[str, str] = {}

    def prepare() -> None:
        own.update(headers() if callable(headers) else headers)

    try:
        way = Way(target, environment, deadline, ca_variables)
        with way.connect(prepare) as connection:
            head = {"host": target.netloc} | own
            head |= {"content-length": str(len(body)), "connection": "close"}
            lines = [f"{method} {target.path} HTTP/1.1"]
            lines += [f"{name}: {value}" for name, value in head.items()]
            if any("\r" in line or "\n" in line for line in lines):
                raise InvalidInputError("a header would span lines", "mend its source")
            if not all(map(str.isascii, lines)):
                raise InvalidInputError("a header is not ASCII", "mend its source")
            connection.sendall("\r\n".join((*lines, "", "")).encode("ascii") + body)
            reader = Reader(connection, deadline, target.netloc)
            spare_time.spend(reader.has_begun)
            return reader.response()
    except OSError as error:
        from dockcred.transport import problems  # noqa: PLC0415 - a failure only

        raise problems.meaning(error, target, timeout_s) from None


def greet(url: str, environment: Environment, ca_variables: Iterable[str] = ()) -> None:
    """Begin the connection to where a request will go soon, up to TLS's hello.

    Nothing of the request is told, and nobody is believed yet: that is `request`'s.
    """
    target = Target(url)
    if target.tls:
        lean.load("ssl")
        deadline = time.monotonic() + GREETING_S
        Way(target, environment, deadline, ca_variables).greet()
