"""List the parts of python.org's Python in the archive for Windows.

It includes other people's libraries, as separate files or inside its own modules.
"""

from __future__ import annotations

import fnmatch
import re
import sys
import zipfile
from collections.abc import Iterator
from typing import NamedTuple

PLACE = "python/"
LAUNCHER = "launcher-LICENSE.txt"
"""The licence of distlib's launcher, taken from pip by packaging/zipapp/build.py."""
_SAID = re.compile(
    rb"P\0r\0o\0d\0u\0c\0t\0V\0e\0r\0s\0i\0o\0n\0(?:\0\0)+((?:[\d.]\0)+)"
)
_BY_PYTHON = {"3.13": {"libffi": "3.4.4", "xz": "5.2.5"}}
"""By Python's version, versions that no file has: from CPython's
Misc/externals.spdx.json."""


class Part(NamedTuple):
    """A package: its licence, its file, and the pattern of its version in that file.

    `version` is None if the file does not have it.
    """

    name: str
    licence: str
    file: str
    version: re.Pattern[bytes] | None


PYTHON = Part("python", "PSF-2.0", "python3?*.dll", _SAID)
PARTS = (
    PYTHON,
    Part("openssl", "Apache-2.0", "libcrypto-*.dll", _SAID),
    Part("sqlite", "blessing", "sqlite3.dll", _SAID),
    Part("vcruntime", "Microsoft Distributable Code", "vcruntime140.dll", _SAID),
    Part("libffi", "MIT", "libffi-*.dll", None),
    Part("bzip2", "bzip2-1.0.6", "_bz2.pyd", re.compile(rb"\0(\d\.\d+\.\d+), \d+-")),
    Part("expat", "MIT", "pyexpat.pyd", re.compile(rb"\0expat_([\d.]+)\0")),
    Part("mpdecimal", "BSD-2-Clause", "_decimal.pyd", re.compile(rb"\0(\d\.\d\.\d)\0")),
    Part("xz", "public domain", "_lzma.pyd", None),
    Part("zlib", "Zlib", "python3?*.dll", re.compile(rb"\0(1\.\d\.\d+(?:\.\d+)*)\0")),
)
_OWN = (
    *("python*.exe", "python3*.dll", "python.cat", "python3*.zip", "python3*._pth"),
    *("*.pyd", "LICENSE.txt", LAUNCHER, "libssl-*.dll", "vcruntime140_1.dll"),
)


def bundled(archive: zipfile.ZipFile) -> Iterator[tuple[str, str, str]]:
    """Yield name, version and licence of each package; exit for an unknown file."""
    names = [n.removeprefix(PLACE) for n in archive.namelist() if n.startswith(PLACE)]
    known = [*_OWN, *(part.file for part in PARTS)]
    for name in names:
        if not any(fnmatch.fnmatchcase(name, pattern) for pattern in known):
            sys.exit(f"{archive.filename} has {name}, of no known package")
    python = _version(archive, PYTHON, names, {})
    by_python = _BY_PYTHON.get(python.rpartition(".")[0], {})
    for part in PARTS:
        yield part.name, _version(archive, part, names, by_python), part.licence


def _version(
    archive: zipfile.ZipFile, part: Part, names: list[str], by_python: dict[str, str]
) -> str:
    for name in fnmatch.filter(names, part.file):
        if part.version is None:
            found = by_python.get(part.name)
        else:
            match = part.version.search(archive.read(f"{PLACE}{name}"))
            found = match and match[1].replace(b"\0", b"").decode()
        if found:
            return found
    sys.exit(f"{archive.filename} does not tell which {part.name} is in it")
