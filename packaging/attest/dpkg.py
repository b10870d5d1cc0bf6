"""Ask dpkg about this machine's Debian packages: files, versions and licences."""

from __future__ import annotations

import functools
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

DOCUMENTS = Path("/usr/share/doc")
LICENCES: dict[str, tuple[tuple[str, str], ...]] = {
    "bzip2": (("BSD-variant", "bzip2-1.0.6"),),
    "expat": (("License: MIT", "MIT"),),
    "gcc": (("GCC RUNTIME", "GPL-3.0-or-later WITH GCC-exception-3.1"),),
    "glibc": (("Lesser General Public", "LGPL-2.1-or-later"),),
    "libffi": (("License: Expat", "MIT"), ("License: MIT", "MIT")),
    "openssl": (("License: Apache-2.0", "Apache-2.0"),),
    "python": (("PYTHON SOFTWARE FOUNDATION LICENSE", "PSF-2.0"),),
    "python-click": (("License: BSD-3-clause", "BSD-3-Clause"),),
    "python-tomlkit": (("License: Expat", "MIT"),),
    "rich": (("License: MIT", "MIT"),),
    "util-linux": (("License: BSD-3-clause", "BSD-3-Clause"),),
    "xz-utils": (("0BSD", "0BSD"), ("License: PD", "public domain")),
    "zlib": (("License: Zlib", "Zlib"),),
}
"""By source package: words in its copyright file, and the licence that they prove.

The licence is that of the package's libraries. A program can parse only few of Debian's
copyright files, and these also name the licences of tools and tests, which we do not
ship.
"""


class Package(NamedTuple):
    """A package that is installed on this machine."""

    name: str
    version: str
    architecture: str
    source: str

    @property
    def licence(self) -> str:
        """Return the licence; exit if its copyright file has no known words."""
        # Names such as python3.11, python3-defaults and gcc-12 change with the version.
        kind = re.sub(r"^(python|gcc)-?[\d.]+(-defaults)?$", r"\1", self.source)
        papers = (DOCUMENTS / self.name / "copyright").read_text(encoding="utf-8")
        for words, expression in LICENCES.get(kind, ()):
            if words in papers:
                return expression
        sys.exit(f"no licence is known of {self.name}: see {DOCUMENTS}/{self.name}")


def owners(patterns: Iterable[str]) -> dict[str, str]:
    """Return the package that owns each file that matches, by path.

    Packages of other architectures are left out.
    """
    found = {}
    for line in _ask("dpkg-query", "--search", *patterns).splitlines():
        names, _, path = line.partition(": ")
        package, _, architecture = names.partition(":")
        if architecture in {"", "any", _architecture()}:
            found[path] = package
    return found


def installed(names: Iterable[str]) -> list[Package]:
    """Return packages by their names; exit if one is not installed."""
    form = r"${Package}\t${Version}\t${Architecture}\t${source:Package}\n"
    asked = _ask("dpkg-query", "--show", f"--showformat={form}", *names)
    known = [Package(*line.split("\t")) for line in asked.splitlines()]
    return [p for p in known if p.architecture in {"all", _architecture()}]


def fields(deb: Path, *names: str) -> dict[str, str]:
    """Return fields of the control file of a .deb."""
    return {name: _ask("dpkg-deb", "--field", deb, name).strip() for name in names}


@functools.cache
def _architecture() -> str:
    return _ask("dpkg", "--print-architecture").strip()


def _ask(*command: object) -> str:
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{command[0]} failed: {done.stderr.strip()}")
    return done.stdout
