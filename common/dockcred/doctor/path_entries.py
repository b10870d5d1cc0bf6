"""The entries of a PATH up to a helper: whoever writes one chooses the helper."""

from __future__ import annotations

import os
import stat

from dockcred.doctor.finding import command, warning

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockcred.doctor.finding import Finding

STEP = "PATH"


def check(file: str, path: str) -> Iterator[Finding]:
    """Warn of directories in which others could put a program of the same name."""
    for directory in path.split(":"):
        if not os.path.isabs(directory):
            yield warning(
                STEP,
                "PATH holds the current directory (an empty or relative entry)",
                remedy="take it out: whoever owns a directory chooses your helper",
            )
        elif _is_open(directory):
            yield warning(
                STEP,
                f"everybody can write {directory}, which is on PATH"
                f" up to {os.path.dirname(file)}",
                fix=command("chmod", "o-w", directory),
            )
        if directory == os.path.dirname(file):
            return


def _is_open(directory: str) -> bool:
    try:
        return bool(os.stat(directory).st_mode & stat.S_IWOTH)
    except OSError:
        return False
