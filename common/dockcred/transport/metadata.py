"""A metadata service that nobody has named: asked only where it can be.

What this machine says and what was silent a moment ago is in system.cloud. Whoever has
named the service, or the identity that it has, asks it always and without this module.
"""

from __future__ import annotations

import _socket  # socket, which is a hundred times as long to load, adds nothing here
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
"""The silence that the last one to ask has met and that is remembered, and the cause
that was told of it; None where somebody answers, or nothing is remembered."""


def ask(
    cloud: str,
    environment: Environment,
    request: Callable[[], Answer],
    own: Hardware | None = None,
) -> Answer:
    """Return what a cloud's metadata service answers to a request.

    `own` is this machine, if it was looked at already.

    Raises SilentError where nobody is there: as the machine says, as is remembered and
    no knock denies, or as the request finds out.
    """
    global met  # noqa: PLW0603 - one process, one get
    met = None
    own = own or Hardware()
    address = address_of(cloud)
    if own.is_surely(cloud):
        return request()  # its silence is a failure that will pass
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
    """Return the error of a silence that is remembered; its age is in seconds."""
    return SilentError(f"{address} was silent {age} s ago too", _NAME_IT)


def check(cloud: str, environment: Environment) -> None:
    """Raise SilentError as `ask` does, for an SDK that would wait for longer."""
    ask(cloud, environment, lambda: _connect(address_of(cloud)))


def _connect(address: str) -> None:
    """Raise SilentError unless something takes or refuses a connection in time."""
    connection = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    try:
        connection.settimeout(_PATIENCE_S)
        connection.connect((address, PORT))
    except TimeoutError:
        raise SilentError(
            f"{address} did not answer within {_PATIENCE_S:g} s", _NAME_IT
        ) from None
    except OSError:
        return  # whoever asks there will be told
    finally:
        connection.close()


def _is_here(address: str) -> bool:
    """Return whether the address is one of this machine's own, without a packet.

    On a developer's machine that is what stands for a cloud's service: aws-vault.
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
    """Return whether anything but silence answers to a knock, within KNOCK_S."""
    import select  # noqa: PLC0415 - after a silence

    connection = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    try:
        connection.setblocking(False)
        if connection.connect_ex((address, PORT)) != errno.EINPROGRESS:
            return True
        poll = select.poll()
        poll.register(connection.fileno(), select.POLLOUT)
        ends = time.monotonic() + KNOCK_S
        # What the failure will need is loaded meanwhile.
        idle.load("dockcred.system.private_file")
        left_s = max(0.0, ends - time.monotonic())
        return bool(poll.poll(left_s * 1000))
    finally:
        connection.close()
