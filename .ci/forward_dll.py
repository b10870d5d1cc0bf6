"""Write a DLL for 64-bit Windows that only forwards functions to those of another DLL.

    python forward_dll.py .../bcryptprimitives.dll

Its one function, ProcessPrng, becomes advapi32's SystemFunction036: Wine 8 has not the
first. No compiler is needed: the file is one section with a directory of exports.
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path

FORWARDS = {"ProcessPrng": "advapi32.SystemFunction036"}
SECTION, FILE_UNIT, BASE = 0x1000, 0x200, 0x180000000
_DIRECTORY = "<IIHHIIIIIII"


def exports(dll: str) -> bytes:
    """Return the section: the directory, its three tables, and the names."""
    count = len(FORWARDS)
    addresses = SECTION + struct.calcsize(_DIRECTORY)
    names, ordinals = addresses + 4 * count, addresses + 8 * count
    texts, start = bytearray(), addresses + 10 * count

    def place(text: str) -> int:
        at = start + len(texts)
        texts.extend(text.encode() + b"\0")
        return at

    own = place(dll)
    targets = [place(target) for target in FORWARDS.values()]
    named = [place(name) for name in FORWARDS]
    head = struct.pack(
        _DIRECTORY, 0, 0, 0, 0, own, 1, count, count, addresses, names, ordinals
    )
    tables = struct.pack(f"<{2 * count}I{count}H", *targets, *named, *range(count))
    return head + tables + bytes(texts)


def build(dll: str) -> bytes:
    """Return the whole file."""
    section = exports(dll)
    size = -(-len(section) // FILE_UNIT) * FILE_UNIT
    dos = b"MZ".ljust(60, b"\0") + struct.pack("<I", 64)
    coff = struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, 240, 0x2022)
    image = 2 * SECTION
    optional = struct.pack(
        "<HBBIIIIIQIIHHHHHHIIIIHHQQQQII",
        *(0x20B, 14, 0, 0, size, 0, 0, SECTION, BASE, SECTION, FILE_UNIT),
        *(6, 0, 0, 0, 6, 0, 0, image, FILE_UNIT, 0, 3, 0x160),
        *(0x100000, 0x1000, 0x100000, 0x1000, 0, 16),
    )
    directories = struct.pack("<II", SECTION, len(section)).ljust(128, b"\0")
    header = struct.pack(
        "<8sIIIIIIHHI",
        b".rdata",
        *(len(section), SECTION, size, FILE_UNIT, 0, 0, 0, 0, 0x40000040),
    )
    head = dos + b"PE\0\0" + coff + optional + directories + header
    return head.ljust(FILE_UNIT, b"\0") + section.ljust(size, b"\0")


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.write_bytes(build(target.name))
