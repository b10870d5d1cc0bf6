"""Keys that the Linux kernel holds for a user until they time out or it reboots.

keyctl(2) through the C library: the user keyring, so that every process of the user
finds them, with read and search for the user (keyctl_setperm(3)).
"""

from __future__ import annotations

import os
import sys

_USER_KEYRING = -4
_SETPERM, _UNLINK, _SEARCH, _READ, _SET_TIMEOUT = 5, 9, 10, 11, 15
_POSSESSOR_ALL_USER_READ = 0x3F0B0000
_TYPE = b"user"
_MAX_BYTES = 64
# add_key and keyctl, by machine (include/uapi/asm/unistd*.h); the second row is the
# kernel's generic table, which every newer architecture has.
_NUMBERS = {
    "x86_64": (248, 250),
    "aarch64": (217, 219),
    "riscv64": (217, 219),
    "loongarch64": (217, 219),
    "ppc64le": (269, 271),
    "s390x": (278, 280),
    "armv7l": (309, 311),
}


def read(name: str) -> bytes | None:
    """Answer the key of this name, or None where the kernel holds none."""
    if not _numbers():
        return None
    serial = _keyctl(_SEARCH, _USER_KEYRING, _TYPE, _description(name), 0)
    if serial < 0:
        return None
    import ctypes  # noqa: PLC0415 - only where a key was found

    buffer = ctypes.create_string_buffer(_MAX_BYTES)
    size = _keyctl(_READ, serial, buffer, _MAX_BYTES)
    return buffer.raw[:size] if 0 <= size <= _MAX_BYTES else None


def write(name: str, key: bytes, seconds: int) -> bool:
    """Hand a key to the kernel for so long, 0 for ever; tell whether it took it."""
    if not (numbers := _numbers()):
        return False
    serial = _syscall(
        numbers[0], _TYPE, _description(name), key, len(key), _USER_KEYRING
    )
    if serial < 0:
        return False
    _keyctl(_SETPERM, serial, _POSSESSOR_ALL_USER_READ)
    _keyctl(_SET_TIMEOUT, serial, seconds)
    return read(name) == key


def forget(name: str) -> None:
    """Drop a key; none there is success."""
    if _numbers():
        serial = _keyctl(_SEARCH, _USER_KEYRING, _TYPE, _description(name), 0)
        if serial >= 0:
            _keyctl(_UNLINK, serial, _USER_KEYRING)


def _description(name: str) -> bytes:
    return b"dockcred-vault:" + name.encode("ascii", "replace")


def _numbers() -> tuple[int, int] | None:
    if sys.platform != "linux":
        return None
    return _NUMBERS.get(os.uname().machine)


def _keyctl(operation: int, *arguments: object) -> int:
    numbers = _numbers()
    return _syscall(numbers[1], operation, *arguments) if numbers else -1


def _syscall(number: int, *arguments: object) -> int:
    import ctypes  # noqa: PLC0415 - only where a vault's key may be in the kernel

    call = ctypes.CDLL(None).syscall
    call.restype = ctypes.c_long
    words = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return int(call(ctypes.c_long(number), *words))
