"""The command that is run after a change, and what is told of a target."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from dockcred.commands.refresh.target import Place, RefreshTarget, RenderingRecord
from dockcred.errors import DockcredError, IssueError
from dockcred.system import child_program, environment

TIMEOUT_S = 60.0


@dataclass(frozen=True)
class CommandDestination:
    """A program and its arguments, which never hold a secret; its own single place."""

    words: tuple[str, ...]
    grows: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """Return it as messages do."""
        return os.path.basename(self.words[0])

    def overlaps(self, other: object) -> bool:
        """Return whether it is the same command."""
        return other == self

    def places(self) -> Sequence[CommandDestination]:
        """Return itself."""
        return [self]

    def look(self) -> None:
        """Return None: no program tells what it has made of the last rendering."""

    def deliver(self, content: bytes, record: RenderingRecord) -> RenderingRecord:
        """Run it; IssueError where it fails."""
        variables = environment.current()
        program = self.words[0]
        if not os.path.isabs(program):
            program = child_program.find(program, variables)
        if not program:
            raise IssueError(
                f"{self.words[0]} is not on PATH",
                "install it, or write its absolute path",
            )
        outcome = child_program.run(
            [program, *self.words[1:]],
            variables,
            kind="refresh-command",
            timeout_s=TIMEOUT_S,
            text=content,
        )
        if outcome.status:
            raise IssueError(
                f"{self.name} ended with status {outcome.status}",
                "run it by hand to see why",
            )
        return record

    def settle(self, there: RenderingRecord) -> None:
        """Do nothing: it was told when it ran."""


def statuses(target: RefreshTarget) -> Iterator[tuple[bool, str]]:
    """Return for each place whether all is well there, and a line that tells it."""
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


def _good_until(place: Place, target: RefreshTarget) -> str:
    record = place.look()
    if isinstance(place, CommandDestination):
        return "cannot be asked what it has"
    if record is None:
        raise IssueError("nothing of ours is there")
    if record.made_for != target.made_for:
        raise IssueError("what is there was made for something else")
    now = time.time()
    if record.expires_at is not None and record.expires_at <= now:
        raise IssueError(f"it {record.ends(now)}")
    return record.ends(now)
