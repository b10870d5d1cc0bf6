"""Connect to a Unix socket without importing socket.

The import costs 24 M instructions, two thirds of all else in a `get` from the
keyring; the C library's own two calls through ctypes cost 6 M with theirs, 4 ms less.
`by_socket` does the same where the calls cannot be made.
"""

from __future__ import annotations

import os
import sys

# Linux's numbers on every processor that is listed.
_PROCESSORS = frozenset(("x86_64", "aarch64", "i686", "armv7l", "riscv64", "ppc64le"))
_AF_UNIX, _SOCK_STREAM, _SOCK_CLOEXEC = 1, 1, 0o2000000
_NAME_BYTES = 108


def connect(address: bytes) -> int:
    """Answer a connected descriptor, closed in child programs; OSError if refused.

    An address that begins with NUL is an abstract one.
    """
    if sys.platform == "linux" and os.uname().machine in _PROCESSORS:
        descriptor = by_c_library(address)
        if descriptor >= 0:
            return descriptor
    return by_socket(address)


def by_c_library(address: bytes) -> int:
    """Answer the descriptor, or -1 if refused for whatever reason."""
    if len(address) >= _NAME_BYTES:
        return -1
    try:
        import ctypes  # noqa: PLC0415 - see above

        library = ctypes.CDLL(None)
    except (ImportError, OSError):
        return -1
    descriptor: int = library.socket(_AF_UNIX, _SOCK_STREAM | _SOCK_CLOEXEC, 0)
    if descriptor < 0:
        return -1
    # struct sockaddr_un; a path's NUL at the end need not be counted.
    name = _AF_UNIX.to_bytes(2, sys.byteorder) + address
    if library.connect(descriptor, name, len(name)) == 0:
        return descriptor
    os.close(descriptor)
    return -1


def by_socket(address: bytes) -> int:
    """Do the same by the library."""
    import socket  # noqa: PLC0415 - see above

    stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        stream.connect(address)
    except OSError:
        stream.close()
        raise
    return stream.detach()
