"""Private directories whose watcher was killed: the next run removes them."""

from __future__ import annotations

import os

from dockcred.ephemeral import directory, owner, watcher

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.environment import Environment


def remove(environment: Environment) -> None:
    """Remove each directory of ours, in all places, whose process has ended.

    A file or link of that name, and another user's directory, are left alone.
    """
    if os.name != "posix":
        return  # nothing is made there
    for place in directory.places(environment):
        try:
            with os.scandir(place) as entries:
                ended = [entry for entry in entries if owner.has_ended(entry.name)]
        except OSError:
            continue
        for entry in ended:
            if _is_ours(entry):
                watcher.remove(entry.path)


def _is_ours(entry: os.DirEntry[str]) -> bool:
    try:
        return (
            entry.is_dir(follow_symlinks=False)
            and entry.stat(follow_symlinks=False).st_uid == os.geteuid()
        )
    except OSError:
        return False
