"""Ask a cloud's metadata service, but only if it may exist on this machine.

system.cloud says what the hardware tells, and which address was silent just now. If a
setting names the service or an identity of it, it is always asked, without this module.
"""

from __future__ import annotations

import _socket  # socket takes a hundred times as long to load and is not needed
import errno
import time

from dockcred.system.cloud import KNOCK_S, Hardware, Silence, address_of
from dockcred.transport import idle
from dockcred.transport.target import SilentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from dockcred.system.environment import Environment

    Answer = TypeVar("Answer")

PORT = 80
_PATIENCE_S = 1.0
_NAME_IT = "see whether it can be reached from here"
met: tuple[Silence, str] | None = None
"""The last call's silence, if it is on record, and the cause that its error names; None
if the service has answered, or if no silence is on record."""


def ask(
    cloud: str,
    environment: Environment,
    request: Callable[[], Answer],
    own: Hardware | None = None,
) -> Answer:
    """Return a metadata service's answer; `request` asks it.

    `own` is this machine's Hardware, if it was read already.

    Raises SilentError if no service is there: the hardware excludes it, or a silence is
    on record and a knock (a short try to connect) confirms it, or the request fails.
    """
    global met  # noqa: PLW0603 - one process, one get
    met = None
    own = own or Hardware()
    address = address_of(cloud)
    if own.is_surely(cloud):
        return request()  # it exists here: silence is a temporary failure
    if (other := own.excludes(cloud)) and not _is_here(address):
        raise SilentError(
            f"{address} was not asked, since this machine is not {cloud}'s but {other}",
            "name the address in the variable for it if there is one all the same",
        )
    silence = Silence(environment, cloud)
    age_s = silence.age_s()
    if age_s is not None and not _takes_connections(address):
        error = again(f"{age_s:.0f}", address)
        met = (silence, error.cause)
        raise error
    try:
        return request()
    except SilentError as error:
        silence.remember()
        met = (silence, error.cause) if silence.here else None
        raise


def again(age: str, address: str) -> SilentError:
    """Return the error for a silence that is on record; its age is in seconds."""
    return SilentError(f"{address} was silent {age} s ago too", _NAME_IT)


def check(cloud: str, environment: Environment) -> None:
    """Raise SilentError as `ask` does; used before an SDK that would wait longer."""
    ask(cloud, environment, lambda: _connect(address_of(cloud)))


def _connect(address: str) -> None:
    """Raise SilentError unless a connection is accepted or refused in time."""
    connection = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    try:
        connection.settimeout(_PATIENCE_S)
        connection.connect((address, PORT))
    except TimeoutError:
        raise SilentError(
            f"{address} did not answer within {_PATIENCE_S:g} s", _NAME_IT
        ) from None
    except OSError:
        return  # the request itself will fail with the cause
    finally:
        connection.close()


def _is_here(address: str) -> bool:
    """Return whether the address is one of this machine's own; sends no packet.

    On a developer's machine a program such as aws-vault takes the service's place.
    """
    unsent = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
    try:
        unsent.connect((address, PORT))
        return bool(unsent.getsockname()[0] == address)
    except OSError:
        return False
    finally:
        unsent.close()


def _takes_connections(address: str) -> bool:
    """Knock: return whether a connection is accepted or refused within KNOCK_S."""
    import select  # noqa: PLC0415 - after a silence

    connection = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    try:
        connection.setblocking(False)
        if connection.connect_ex((address, PORT)) != errno.EINPROGRESS:
            return True
        poll = select.poll()
        poll.register(connection.fileno(), select.POLLOUT)
        ends = time.monotonic() + KNOCK_S
        # Meanwhile, load what a failure will need.
        idle.load("dockcred.system.private_file")
        left_s = max(0.0, ends - time.monotonic())
        return bool(poll.poll(left_s * 1000))
    finally:
        connection.close()
