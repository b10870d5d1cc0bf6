"""One request over HTTP, and its repetition where it breaks or the server says so."""

from __future__ import annotations

import time

from dockcred.errors import InvalidInputError, TransportError
from dockcred.system import log, process
from dockcred.transport import idle
from dockcred.transport.target import Target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dockcred.system.cloud import Hardware
    from dockcred.system.environment import Environment
    from dockcred.transport.response import Response

    Headers = dict[str, str] | Callable[[], dict[str, str]]

GREETING_S = 1.0
ATTEMPTS = 3
"""How often a request is sent whose connections break; the number is botocore's."""
ALWAYS = frozenset({"connecting", "waiting", "answering"})
WHERE_SOMEBODY_IS = frozenset({"answering"})
NEVER: frozenset[str] = frozenset()
_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 1.0
_SPARE_S = 1.0
_TELLING_S = 0.5
_SAME_CLOCK_S = 60.0


def request(
    method: str,
    url: str,
    environment: Environment,
    *,
    headers: Headers,
    body: bytes = b"",
    timeout_s: float = 5.0,
    connect_s: float = 0.0,
    ca_variables: Iterable[str] = (),
    platform: bool = False,
    repeated: frozenset[str] = ALWAYS,
) -> Response:
    """Send a request and answer what came back, whatever its status.

    It is sent anew, ATTEMPTS times in all, while its connection breaks in one of the
    ways of `repeated` and the time of the whole call allows: so it must not spend what
    is good for one time only. `timeout_s` bounds each exchange, `connect_s` the wait
    for somebody to take the connection. `headers` that take time are a function: it is
    called while TLS is agreed upon. `platform` is as Target has it. Raises
    TransportError with the first cause, UnreachedError where there was no connection.
    """
    target = Target(url, platform=platform)
    process.set_activity(f"asking {target.netloc}")
    first: TransportError | None = None
    for attempt in range(ATTEMPTS):
        # Not its path: that of a container's credentials is the secret itself.
        log.debug(f"{method} {target.netloc}")
        try:
            return _exchange(
                method,
                target,
                environment,
                headers,
                body,
                (timeout_s, connect_s or timeout_s),
                ca_variables,
            )
        except TransportError as error:
            if error.broke_while not in repeated:
                raise
            first = first or error
            if attempt + 1 == ATTEMPTS or not _paused(_FIRST_PAUSE_S * 2**attempt):
                raise first from None
        # The watchdog would end a longer one, and hide the cause.
        timeout_s = min(timeout_s, process.remaining_s() - _TELLING_S)
    raise AssertionError("the last attempt returns or raises")


def probe(
    method: str,
    url: str,
    environment: Environment,
    *,
    headers: dict[str, str],
    timeout_s: float,
    connect_s: float = 0.0,
) -> Response:
    """Send a request to where perhaps nobody is: silence is not asked again."""
    return request(
        method,
        url,
        environment,
        headers=headers,
        timeout_s=timeout_s,
        connect_s=connect_s,
        repeated=WHERE_SOMEBODY_IS,
    )


def ask_if_there(
    cloud: str,
    environment: Environment,
    ask: Callable[[], Response],
    missing: Callable[[str], Exception],
    own: Hardware | None = None,
) -> Response:
    """Return the first answer of a metadata service; `ask` sends a probe.

    `cloud` is whose it is, nothing where a variable names its address: that one is
    asked whatever the machine says. `own` is this machine, if it was looked at already.

    Raises what `missing` makes of the cause where nobody is there. Who takes the
    connection and tells nothing is there: TransportError.
    """
    try:
        if not cloud:
            return ask()
        from dockcred.transport import metadata  # noqa: PLC0415 - where none is named

        return metadata.ask(cloud, environment, ask, own)
    except TransportError as error:
        if error.broke_while in WHERE_SOMEBODY_IS:
            raise
        raise missing(error.cause) from None


def _exchange(
    method: str,
    target: Target,
    environment: Environment,
    headers: Headers,
    body: bytes,
    bounds_s: tuple[float, float],
    ca_variables: Iterable[str],
) -> Response:
    timeout_s, connect_s = bounds_s
    # What takes long to import is not the other end's time.
    idle.load("ssl" if target.tls else "socket")
    from dockcred.transport.connection import Connector  # noqa: PLC0415 - not in a silence
    from dockcred.transport.response import Reader  # noqa: PLC0415 - as above

    deadline = time.monotonic() + timeout_s
    own: dict[str, str] = {}
    reached = False

    def prepare() -> None:
        own.update(headers() if callable(headers) else headers)

    try:
        connector = Connector(target, environment, deadline, ca_variables)
        connector.connect_by = deadline - max(0.0, timeout_s - connect_s)
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

        waited_s = timeout_s if reached else min(connect_s, timeout_s)
        raise trust.meaning(error, target, waited_s, reached=reached) from None


def preconnect(
    url: str, environment: Environment, ca_variables: Iterable[str] = ()
) -> None:
    """Begin the connection to where a request will go soon, up to TLS's hello.

    Nothing of the request is told, and nobody is believed yet: that is `request`'s.
    """
    target = Target(url)
    if target.tls:
        idle.load("ssl")
        from dockcred.transport.connection import Connector  # noqa: PLC0415 - as above

        deadline = time.monotonic() + GREETING_S
        Connector(target, environment, deadline, ca_variables).preconnect()


_GONE = 410  # Azure's IMDS, while it is being updated
_TOO_MANY = 429
_SERVER_ERROR = 500


def may_pass(status: int) -> bool:
    """Return whether the same request may have another status in a moment."""
    return status in {_GONE, _TOO_MANY} or status >= _SERVER_ERROR


def is_temporary(response: Response) -> bool:
    """Return whether the same request may succeed in a moment, by the status alone."""
    return may_pass(response.status)


def is_throttle(response: Response) -> bool:
    """Return whether there were too many calls, by the status alone."""
    return response.status == _TOO_MANY


def is_temporary_for_one(response: Response) -> bool:
    """Return whether to repeat a request in a moment that a whole fleet makes too.

    Where many are started together, who is throttled takes a turn: identity.turn.
    """
    return is_temporary(response) and not (
        process.takes_turns and is_throttle(response)
    )


def with_retries(
    ask: Callable[[], Response],
    is_temporary: Callable[[Response], bool] = is_temporary,
    longest_pause_s: float = _LONGEST_PAUSE_S,
    is_throttle: Callable[[Response], bool] = is_throttle,
) -> Response:
    """Return the first response that is not a temporary refusal, or else the last one.

    Between two requests it waits a quarter of a second, then twice as long each time
    up to `longest_pause_s`, or Retry-After's seconds if those are more. It ends when
    the longest pause is over, or the time of the whole call would be.
    """
    pause = _FIRST_PAUSE_S
    while True:
        response = ask()
        if process.meter and is_throttle(response):
            process.meter.throttled()
        if not is_temporary(response):
            return response
        if pause > longest_pause_s or not _paused(pause, delay_s(response)):
            return response
        pause *= 2


def _paused(pause_s: float, least_s: float = 0.0) -> bool:
    """Wait once to twice as long; return False at once where the call has no time."""
    # The clock's last digits spread callers who were turned away together.
    wait_s = max(least_s, pause_s + pause_s * (time.time_ns() % 1000) / 1000)
    if process.remaining_s() < wait_s + _SPARE_S:
        return False
    time.sleep(wait_s)
    return True


def ahead_s(date: str) -> float:
    """Return by how many seconds this machine's clock is ahead of an answer's date.

    Less than 0 where it is behind, and 0 where the date is none.
    """
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - a refusal only

    try:
        return time.time() - parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError):
        return 0.0


def clock_off(date: str, whose: str) -> str:
    """Return what is wrong with this machine's clock beside somebody's, by a date.

    Nothing where they agree within a minute: clouds allow five.
    """
    ahead = ahead_s(date)
    if abs(ahead) < _SAME_CLOCK_S:
        return ""
    words = "ahead of" if ahead > 0 else "behind"
    minutes = round(abs(ahead) / 60)
    return f"this machine's clock is {minutes} min {words} {whose}"


def delay_s(response: Response) -> float:
    """Return Retry-After in seconds, 0 where it is a date or absent."""
    text = response.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() else 0.0
