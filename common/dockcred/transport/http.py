"""Send one HTTP request; retry it if the connection breaks or the server says so."""

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
"""How often a request is sent at most if its connections break, as in botocore."""
ALWAYS = frozenset({"connecting", "waiting", "answering"})
WHERE_SOMEBODY_IS = frozenset({"answering"})
NEVER: frozenset[str] = frozenset()
"""For `repeated`: when a connection must break for a retry (TransportError)."""
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
    """Send a request and return the response, whatever its status.

    If the connection breaks at a moment that is in `repeated`, the request is sent
    again: ATTEMPTS times in all, and only if the time of the whole call allows it. So
    it must not contain what can be used only once. `timeout_s` limits each exchange,
    `connect_s` the time until TCP is connected, both in seconds. `headers` may be a
    function if they take time: it is called during the TLS handshake. `platform` is
    that of Target. Raises TransportError with the first cause, as UnreachedError if
    there was no connection.
    """
    target = Target(url, platform=platform)
    process.set_activity(f"asking {target.netloc}")
    first: TransportError | None = None
    for attempt in range(ATTEMPTS):
        # Without the path: for a container's credentials it is the secret itself.
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
        # The watchdog would end a longer attempt, and the cause would not be shown.
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
    """Send a request to a service that may not exist: no retry if nobody answers."""
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
    """Return the first response of a metadata service; `ask` sends a probe.

    `cloud` is the service's cloud; "" if a variable names its address, which is then
    asked whatever the hardware is. `own` is this machine's Hardware, if already read.

    If no service is there, raises the error that `missing` makes of the cause. If a
    service takes the connection and then breaks it, raises the TransportError itself.
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
    # Before the deadline is set: a slow import must not use the server's time.
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
    """Open the connection for a request that comes soon, and send TLS's ClientHello.

    Nothing of the request is sent; `request` finishes the handshake and its checks.
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
    """Return whether a retry may have another status: 410, 429, or 500 and above."""
    return status in {_GONE, _TOO_MANY} or status >= _SERVER_ERROR


def is_temporary(response: Response) -> bool:
    """Return whether a retry may succeed, by the status alone."""
    return may_pass(response.status)


def is_throttle(response: Response) -> bool:
    """Return whether there were too many calls, by the status alone."""
    return response.status == _TOO_MANY


def is_temporary_for_one(response: Response) -> bool:
    """Return whether to retry a request that many nodes send at the same time.

    If processes take turns, a throttled request is not retried: see identity.turn.
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
    up to `longest_pause_s`, or Retry-After's seconds if those are more. It gives up
    after the longest pause, or if the time of the whole call would run out.
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
    """Wait `pause_s` to twice as long; False at once if too little time is left."""
    # The clock's last digits are the jitter for callers that were refused together.
    wait_s = max(least_s, pause_s + pause_s * (time.time_ns() % 1000) / 1000)
    if process.remaining_s() < wait_s + _SPARE_S:
        return False
    time.sleep(wait_s)
    return True


def ahead_s(date: str) -> float:
    """Return by how many seconds this machine's clock is ahead of a Date header.

    It is negative if the clock is behind, and 0 if the date cannot be parsed.
    """
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - a refusal only

    try:
        return time.time() - parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError):
        return 0.0


def clock_off(date: str, whose: str) -> str:
    """Return, in words, how wrong this machine's clock is beside that of `whose`.

    `date` is a Date header. "" if they agree within a minute; clouds allow five.
    """
    ahead = ahead_s(date)
    if abs(ahead) < _SAME_CLOCK_S:
        return ""
    words = "ahead of" if ahead > 0 else "behind"
    minutes = round(abs(ahead) / 60)
    return f"this machine's clock is {minutes} min {words} {whose}"


def delay_s(response: Response) -> float:
    """Return Retry-After in seconds; 0 if it is a date or absent."""
    text = response.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() else 0.0
