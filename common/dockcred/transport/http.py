"""One request over HTTP, and its repetition where the server asks for it."""

from __future__ import annotations

import time

from dockcred.errors import InvalidInputError
from dockcred.system import log, process
from dockcred.transport import idle
from dockcred.transport.connection import Connector
from dockcred.transport.response import Reader, Response
from dockcred.transport.target import Target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dockcred.system.environment import Environment

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
    platform: bool = False,
) -> Response:
    """Send one request and answer what came back, whatever its status.

    `timeout_s` bounds the whole exchange. `headers` that take time are a function: it
    is called while TLS is agreed upon. `platform` is as Target has it. Raises
    TransportError with the cause, UnreachedError where there was no connection.
    """
    target = Target(url, platform=platform)
    process.set_activity(f"asking {target.netloc}")
    # Not its path: that of a container's credentials is the secret itself.
    log.debug(f"{method} {target.netloc}")
    # What takes long to import is not the other end's time.
    idle.load("ssl" if target.tls else "socket")
    deadline = time.monotonic() + timeout_s
    own: dict[str, str] = {}
    reached = False

    def prepare() -> None:
        own.update(headers() if callable(headers) else headers)

    try:
        connector = Connector(target, environment, deadline, ca_variables)
        with connector.connect(prepare) as connection:
            reached = True
            head = {"host": target.netloc} | own
            head |= {"content-length": str(len(body)), "connection": "close"}
            lines = [f"{method} {target.path} HTTP/1.1"]
            lines += [f"{name}: {value}" for name, value in head.items()]
            if any("\r" in line or "\n" in line for line in lines):
                raise InvalidInputError("a header would span lines", "fix its source")
            if not all(map(str.isascii, lines)):
                raise InvalidInputError("a header is not ASCII", "fix its source")
            connection.sendall("\r\n".join((*lines, "", "")).encode("ascii") + body)
            reader = Reader(connection, deadline, target.netloc)
            idle.run(reader.has_begun)
            return reader.response()
    except OSError as error:
        from dockcred.transport import trust  # noqa: PLC0415 - a failure only

        raise trust.meaning(error, target, timeout_s, reached=reached) from None


def preconnect(
    url: str, environment: Environment, ca_variables: Iterable[str] = ()
) -> None:
    """Begin the connection to where a request will go soon, up to TLS's hello.

    Nothing of the request is told, and nobody is believed yet: that is `request`'s.
    """
    target = Target(url)
    if target.tls:
        idle.load("ssl")
        deadline = time.monotonic() + GREETING_S
        Connector(target, environment, deadline, ca_variables).preconnect()


_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 1.0
_SPARE_S = 1.0
_GONE = 410  # Azure's IMDS, while it is being updated
_TOO_MANY = 429
_SERVER_ERROR = 500


def is_temporary(response: Response) -> bool:
    """Return whether the same request may succeed in a moment, by the status alone."""
    status = response.status
    return status in {_GONE, _TOO_MANY} or status >= _SERVER_ERROR


def with_retries(
    ask: Callable[[], Response],
    is_temporary: Callable[[Response], bool] = is_temporary,
    longest_pause_s: float = _LONGEST_PAUSE_S,
) -> Response:
    """Return the first response that is not a temporary refusal, or else the last one.

    Between two requests it waits a quarter of a second, then twice as long each time
    up to `longest_pause_s`, or Retry-After's seconds if those are more. It ends when
    the longest pause is over, or the time of the whole call would be.
    """
    pause = _FIRST_PAUSE_S
    while True:
        response = ask()
        if not is_temporary(response):
            return response
        # The clock's last digits spread callers who were turned away together.
        wait = max(delay_s(response), pause + pause * (time.time_ns() % 1000) / 1000)
        if process.remaining_s() < wait + _SPARE_S or pause > longest_pause_s:
            return response
        time.sleep(wait)
        pause *= 2


def delay_s(response: Response) -> float:
    """Return Retry-After in seconds, 0 where it is a date or absent."""
    text = response.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() else 0.0
