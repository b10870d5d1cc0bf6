"""What is in the places of a target, without anybody being asked for a credential."""

from __future__ import annotations

import time
from collections.abc import Iterator

from dockcred.delivery.command import Command
from dockcred.delivery.target import Place, Target
from dockcred.errors import DockcredError, IssueError


def of(target: Target) -> Iterator[tuple[bool, str]]:
    """Answer for each place whether all is well there, and a line that tells it."""
    try:
        places = target.destination.places()
    except (DockcredError, OSError) as error:
        yield False, f"{target.destination.name}: {error}"
        return
    for place in places:
        try:
            yield True, f"{place.name}: it {_good_until(place, target)}"
        except (DockcredError, OSError) as error:
            yield False, f"{place.name}: {error}"


def _good_until(place: Place, target: Target) -> str:
    record = place.look()
    if isinstance(place, Command):
        return "cannot be asked what it has"
    if record is None:
        raise IssueError("nothing of ours is there")
    if record.made_for != target.made_for:
        raise IssueError("what is there was made for something else")
    now = time.time()
    if record.expires_at is not None and record.expires_at <= now:
        raise IssueError(f"it {record.ends(now)}")
    return record.ends(now)
