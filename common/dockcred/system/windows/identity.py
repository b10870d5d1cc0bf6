"""The machine's name and boot on Windows."""

from __future__ import annotations

import ctypes
import sys
import winreg

if sys.platform != "win32":
    raise ImportError("this is Windows' half")

_DNS_NAME_OF_THIS_COMPUTER = 5
_TIME_OF_DAY, _BYTES = 3, 48


def host_name() -> str:
    """Return the machine's name, or the container's."""
    size = ctypes.c_ulong(256)
    buffer = ctypes.create_unicode_buffer(size.value)
    ctypes.windll.kernel32.GetComputerNameExW(
        _DNS_NAME_OF_THIS_COMPUTER, buffer, ctypes.byref(size)
    )
    return buffer.value


def boot() -> str:
    """Return an id that no other boot of any machine has; "" if it is not known.

    It is the machine's start time, and the id that the set-up of Windows gave it.
    """
    try:
        with winreg.OpenKey(
            winreg.HKEY_LOCAL_MACHINE, r"SOFTWARE\Microsoft\Cryptography"
        ) as opened:
            machine, _ = winreg.QueryValueEx(opened, "MachineGuid")
    except OSError:
        return ""
    found = ctypes.create_string_buffer(_BYTES)
    if ctypes.windll.ntdll.NtQuerySystemInformation(_TIME_OF_DAY, found, _BYTES, None):
        return ""
    return f"{int.from_bytes(found.raw[:8], 'little'):x}-{machine}"
