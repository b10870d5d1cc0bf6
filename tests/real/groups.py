"""The control groups of a world: what starts in it lies in them, and they end with it."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from support.program import wait_until

from .world import World

# What runc makes lies below the group of who started it.
IN_GROUP = """\
group=$1
shift
for place in /sys/fs/cgroup/*/; do
    mkdir -p "$place$group" 2>/dev/null || continue
    for file in cpuset.cpus cpuset.mems; do
        [ ! -e "$place$group/$file" ] || cat "$place$file" >"$place$group/$file"
    done
    echo $$ >"$place$group/cgroup.procs" || :
done
exec "$@"
"""
HIERARCHIES = Path("/sys/fs/cgroup")
STALE_S = 600


def within(world: World) -> tuple[str, ...]:
    """Return the words before a command that is to run in the world's groups."""
    return ("sh", "-c", IN_GROUP, "sh", _name(world))


def drop(world: World) -> None:
    """Remove the groups of a world that has ended, and of those that were killed."""
    for group in _below(_name(world)):
        # Its last process may not be reaped yet.
        wait_until(lambda group=group: _is_dropped(group))
    for group in _below("dockcred-*"):
        with contextlib.suppress(OSError):
            if time.time() - group.stat().st_mtime > STALE_S:
                group.rmdir()


def _name(world: World) -> str:
    return f"dockcred-{world.directory.name}"


def _below(pattern: str) -> Iterator[Path]:
    """Return the groups of a name in every hierarchy, those within first."""
    for top in HIERARCHIES.glob(f"*/{pattern}"):
        for place, _, _ in os.walk(top, topdown=False):
            yield Path(place)


def _is_dropped(group: Path) -> bool:
    try:
        group.rmdir()
    except OSError:
        return False
    return True
