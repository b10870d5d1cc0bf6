"""Repeat a miss from a note, if the metadata service is still silent.

A note is a file that identity.cache.silence has written. It records that a `get` found
no credential because the metadata service was silent, and under which conditions. The
launcher's Python runs this code first. It compares the conditions, and knocks: it tries
for a moment to connect to the metadata address. If that is still silent, it prints the
note's message and exits. In every other case the full program follows.

render copies this code into the launcher, beside front.sh. It imports no module of
ours, because its purpose is to save the time of loading them.
"""

from __future__ import annotations

import _socket
import posix
import sys
import time


def read(path: bytes) -> list[bytes]:
    """Return the lines of a note; [] unless it is a private file of this user."""
    directory, user = posix.lstat(path.rpartition(b"/")[0]), posix.geteuid()
    flags = posix.O_RDONLY | posix.O_NOFOLLOW | posix.O_NONBLOCK | posix.O_CLOEXEC
    descriptor = posix.open(path, flags)
    try:
        note = posix.fstat(descriptor)
        # A plain file that nobody else may open, in a directory that none may write.
        others = directory.st_mode & 0o022 or note.st_mode & 0o170077 ^ 0o100000
        if others or (directory.st_uid, note.st_uid, note.st_nlink) != (user, user, 1):
            return []
        return posix.read(descriptor, 65536).split(b"\n")
    finally:
        posix.close(descriptor)


def holds(condition: bytes) -> bool:
    """Return whether a condition of the note holds: a variable or file is unchanged."""
    kind, name, value = condition.split(b"\t")
    if kind == b"unset":
        return posix.environ.keys().isdisjoint(name.split())
    if kind == b"set":
        return posix.environ.get(name) == value
    if kind == b"given":
        return bool(posix.environ.get(name))
    try:
        seen = posix.stat(name)
    except OSError:
        return value == b"-"
    times = f"{seen.st_mtime_ns}:{seen.st_ctime_ns}"
    return value == f"{seen.st_ino}:{seen.st_size}:{times}".encode()


def where() -> bytes:
    """Return boot, host, network and mounts, as they are written in a note."""
    with open("/proc/sys/kernel/random/boot_id", "rb") as file:
        boot = file.read(64).strip().decode("ascii")
    with open("/proc/net/route", "rb") as file:
        routes = int.from_bytes(file.read(65536), "big") % (2**61 - 1)
    network, mounts = (posix.stat(f"/proc/self/ns/{x}").st_ino for x in ("net", "mnt"))
    return f"{boot} {posix.uname().nodename} {network} {routes:x} {mounts}".encode()


def is_silent() -> bool:
    """Return whether a connection is neither accepted nor refused in time."""
    door = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    door.settimeout(float("@KNOCK_S@"))
    try:
        door.connect(("@ADDRESS@", int("@PORT@")))
    except TimeoutError:
        return True
    finally:
        door.close()
    return False


def tell(place: bytes, path: bytes) -> None:
    """Print a note's message for a registry and exit; return if it does not apply."""
    head, here, at, way, text, *conditions, end = read(path)
    age_s = time.clock_gettime(time.CLOCK_BOOTTIME) - float(at)
    if (head, end) != (b"silence @NOTE_FORMAT@ %b %b" % (place, path), b"end"):
        return
    if not 0 <= age_s < float("@HOLDS_S@") or here != where():
        return
    with open(f"/proc/{posix.getppid()}/comm", "rb") as file:
        if file.read(64).startswith(b"nomad"):
            return  # protocol.wire has a hint for Nomad's agent
    if not all(map(holds, conditions)) or not is_silent():
        return
    text = text.replace(b"\t", b"%.0f" % age_s) + b"\n"
    try:
        if way == b"loud":
            posix.write(2, b"@PROGRAM@: " + text)
        posix.write(1, text)
    finally:
        posix._exit(1)  # noqa: SLF001 - as os has it; ending Python is a fourth of it


def main() -> None:
    """Call `tell` with the registry and the note from argv; return if it returns."""
    try:
        tell(sys.argv.pop().encode("ascii"), sys.argv.pop().encode("ascii"))
    except Exception:  # noqa: BLE001 - whatever it is, the full program tells it
        sys.argv[2:] = []
