"""The socket of `dockcred forward`, who is at its other end, and the lines on it.

A request is one line of JSON on its own connection; stores.forwarded describes it.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
import struct
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from dockcred.commands.console import moment
from dockcred.credential import ServerURL
from dockcred.errors import DockcredError, InvalidInputError
from dockcred.protocol.wire import message_line
from dockcred.transport import json_reader

if TYPE_CHECKING:
    from collections.abc import Mapping

BACKLOG = 4096
_CHUNK = 65536
_CREDENTIALS = struct.Struct("3i")
FIELDS = {
    "get": {"Verb", "ServerURL"},
    "list": {"Verb"},
    "store": {"Verb", "ServerURL", "Username", "Secret"},
    "erase": {"Verb", "ServerURL"},
}
"""The fields that a request of each verb has, no more and no less; each is a text."""


def read(line: bytes) -> dict[str, str]:
    """Return a request's fields; raise InvalidInputError for an invalid request."""
    try:
        request = json_reader.loads(line)
    except (ValueError, RecursionError):
        request = None
    if not isinstance(request, dict) or not all(
        isinstance(value, str) for value in request.values()
    ):
        raise InvalidInputError(
            "the request is not of this protocol",
            "have the same dockcred on both sides",
        )
    if request.keys() != FIELDS.get(request.get("Verb", "")):
        raise InvalidInputError(
            "the request is not one that this version knows",
            "have the same dockcred on both sides",
        )
    if "ServerURL" in request:
        request["ServerURL"] = ServerURL.parse(request["ServerURL"]).raw
    return request


def peer(connection: socket.socket) -> tuple[str, int]:
    """Return the connected process, in words for a log, and its user's number."""
    size = _CREDENTIALS.size
    found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    pid, user, _ = _CREDENTIALS.unpack(found)
    name = "a process of another container"
    with suppress(OSError), open(f"/proc/{pid}/comm", "rb") as file:
        name = file.read().strip().decode("ascii", "replace")
    return f"{name} ({pid})", user


async def line(connection: socket.socket, limit: int) -> bytes:
    """Return a request: one line, or all that is sent if no line ends.

    Raises InvalidInputError for more than `limit` bytes, and for a second line. A
    request that is too long is still read: else the sender would fail while it sends,
    and not see the answer.
    """
    loop = asyncio.get_running_loop()
    read_so_far = data = b""
    while b"\n" not in data and (data := await loop.sock_recv(connection, _CHUNK)):
        if len(read_so_far) <= limit:
            read_so_far += data
    if len(read_so_far) > limit:
        raise InvalidInputError(f"the request is longer than {limit // 1024} KiB")
    first, _, rest = read_so_far.partition(b"\n")
    if rest:
        raise InvalidInputError(
            "a connection has one request, and this has more",
            "have the same dockcred on both sides",
        )
    return first


async def send(connection: socket.socket, answer: Mapping[str, Any]) -> None:
    """Send an answer; raise OSError if the other side has gone."""
    await asyncio.get_running_loop().sock_sendall(connection, written(answer))


def written(fields: Mapping[str, Any]) -> bytes:
    """Return the fields of an answer as the line to send."""
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def failure(kind: str, error: DockcredError) -> dict[str, str]:
    """Return the answer that tells of an error."""
    return {"Answer": kind, "Cause": error.cause, "Remedy": error.remedy}


def line_of(text: str) -> bytes:
    """Return a text as one log line with the time, harmless to a terminal."""
    return message_line(f"{moment(time.time())} {text}")


def bind(path: str, mode: int) -> socket.socket:
    """Listen at a path, which must be free or a socket of this user's that is dead.

    A socket is dead if nothing listens at it. Raises InvalidInputError for another
    file, and for a path at which we cannot listen.
    """
    if not hasattr(socket, "SO_PEERCRED"):
        raise InvalidInputError(
            "this system does not tell whose process it is that connects",
            "run dockcred forward on Linux",
        )
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with suppress(FileNotFoundError):
            _remove_dead(path)
        listening.bind(path)
        os.chmod(path, mode)
        listening.listen(BACKLOG)
    except (OSError, InvalidInputError) as error:
        listening.close()
        if isinstance(error, InvalidInputError):
            raise
        raise InvalidInputError(
            f"{path} cannot be listened at: {error.strerror or error}",
            "name another with --socket",
        ) from None
    return listening


def _remove_dead(path: str) -> None:
    status = os.lstat(path)
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    probe.settimeout(1.0)
    try:
        probe.connect(path)
    except ConnectionRefusedError:
        if status.st_uid == os.geteuid() and stat.S_ISSOCK(status.st_mode):
            os.unlink(path)
            return
    finally:
        probe.close()
    raise InvalidInputError(
        f"{path} is there already, and in use", "name another with --socket"
    )
