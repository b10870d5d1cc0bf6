"""The directory tree in which a writer works; it is restored before each run."""

from __future__ import annotations

import os
import re
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

# Random parts of file names. They are replaced, to compare the names of two runs.
_MADE_UP = re.compile(r"[0-9]+-[0-9]{12,}|[0-9a-f]{16,}|(?<=key-)[\w-]{20,}(?=\.pem)")
_LOOKS = 5


@dataclass(frozen=True)
class Found:
    """One file, link or directory."""

    mode: int
    content: bytes
    owner: int


class World:
    """One directory tree."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._template: dict[str, Found] = {}

    @property
    def home(self) -> Path:
        return self.path / "home"

    def write(self, name: str, text: str | bytes, mode: int = 0o600) -> Path:
        """Write a file below the world's root; return its path."""
        file = self.path / name
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        file.chmod(mode)
        return file

    def remember(self) -> None:
        """Keep the current tree: `restore` makes it again before each run."""
        self._template = self.everything()

    def restore(self) -> None:
        """Remove everything, and make the remembered tree again."""
        self._clear()
        for name, found in self._template.items():
            path = self.path / name
            if stat.S_ISDIR(found.mode):
                path.mkdir()
            elif stat.S_ISLNK(found.mode):
                path.symlink_to(os.fsdecode(found.content))
                continue
            elif stat.S_ISREG(found.mode):
                path.write_bytes(found.content)
            else:
                continue
            path.chmod(stat.S_IMODE(found.mode))

    def _clear(self) -> None:
        """Remove everything; retry if a cleanup process removes a part meanwhile."""
        for look in range(_LOOKS):
            try:
                for name in os.listdir(self.path):
                    path = self.path / name
                    if path.is_dir() and not path.is_symlink():
                        shutil.rmtree(path)
                    else:
                        path.unlink()
            except FileNotFoundError:
                if look == _LOOKS - 1:
                    raise
            else:
                return

    def everything(self) -> dict[str, Found]:
        """Return the tree by paths below the root; a directory before its content.

        Retries if another process removes a part meanwhile.
        """
        for _ in range(_LOOKS):
            try:
                return self._read()
            except FileNotFoundError:
                continue
        return self._read()

    def _read(self) -> dict[str, Found]:
        found = {}
        for path in sorted(self.path.rglob("*")):
            status = path.lstat()
            content = b""
            if stat.S_ISLNK(status.st_mode):
                content = os.fsencode(os.readlink(path))
            elif stat.S_ISREG(status.st_mode):
                content = path.read_bytes()
            found[str(path.relative_to(self.path))] = Found(
                status.st_mode, content, status.st_uid
            )
        return found

    def is_empty(self, name: str) -> bool:
        """Return whether a file is empty, by its name in `shape`."""
        return not _numbered(self.everything())[name].content

    def shape(self) -> dict[str, tuple[int, int]]:
        """Return mode and owner by name; random parts of the names are replaced."""
        return {
            name: (found.mode, found.owner)
            for name, found in _numbered(self.everything()).items()
        }

    def holders(self, secrets: tuple[bytes, ...]) -> dict[str, int]:
        """Return the modes of the files with a secret, by name as in `shape`."""
        return {
            name: stat.S_IMODE(found.mode)
            for name, found in _numbered(self.everything()).items()
            if any(secret in found.content for secret in secrets)
        }


def _numbered(tree: dict[str, Found]) -> dict[str, Found]:
    """Return a tree with random parts of names as "*"; equal names get " #2", " #3"."""
    found: dict[str, Found] = {}
    for name, entry in tree.items():
        known = plain = _MADE_UP.sub("*", name)
        number = 1
        while known in found:
            number += 1
            known = f"{plain} #{number}"
        found[known] = entry
    return found
