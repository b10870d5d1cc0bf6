"""Control groups of a world: its programs run in them; they are removed with it."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from support.program import wait_until

from .world import World

# runc creates its groups below the group of the process that started it.
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
    """Return the words to put before a command to run it in the world's groups."""
    return ("sh", "-c", IN_GROUP, "sh", _name(world))


def drop(world: World) -> None:
    """Remove the groups of a world that has ended, and old ones of killed runs."""
    for group in _below(_name(world)):
        # The last process of the group may not be reaped yet.
        wait_until(lambda group=group: _is_dropped(group))
    for group in _below("dockcred-*"):
        with contextlib.suppress(OSError):
            if time.time() - group.stat().st_mtime > STALE_S:
                group.rmdir()


def _name(world: World) -> str:
    return f"dockcred-{world.directory.name}"


def _below(pattern: str) -> Iterator[Path]:
    """Yield the groups with this name in every hierarchy, inner groups first."""
    for top in HIERARCHIES.glob(f"*/{pattern}"):
        for place, _, _ in os.walk(top, topdown=False):
            yield Path(place)


def _is_dropped(group: Path) -> bool:
    try:
        group.rmdir()
    except OSError:
        return False
    return True
