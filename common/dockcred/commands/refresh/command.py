"""The command that runs after a change, and the status of each place of a target."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from dockcred.commands.refresh.target import Place, RefreshTarget, RenderingRecord
from dockcred.commands.shape import life
from dockcred.errors import DockcredError, IssueError
from dockcred.system import child_program, environment

TIMEOUT_S = 60.0


@dataclass(frozen=True)
class CommandDestination:
    """A program and its arguments, as a destination with one place: itself.

    The arguments never hold a secret; the rendering goes to stdin.
    """

    words: tuple[str, ...]
    grows: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """Return the program's name for messages."""
        return os.path.basename(self.words[0])

    def overlaps(self, other: object) -> bool:
        """Return whether `other` is the same command."""
        return other == self

    @property
    def is_shared(self) -> bool:
        """Return True: the command hands the rendering on, to what replicas share."""
        return True

    @property
    def is_missing(self) -> bool:
        """Return False: nothing can tell what the command has."""
        return False

    def follow(self, _wake: object, _warn: object) -> None:
        """Return None: there is always just one place."""

    def places(self) -> Sequence[CommandDestination]:
        """Return a list of itself."""
        return [self]

    def look(self) -> None:
        """Return None: a command cannot tell what it did with the last rendering."""

    def deliver(self, content: bytes, record: RenderingRecord) -> RenderingRecord:
        """Run the command; raise IssueError if it fails."""
        variables = environment.current()
        program = self.words[0]
        if not os.path.isabs(program):
            program = child_program.find(program, variables)
        if not program:
            if refused := child_program.refusal(self.words[0], variables):
                raise IssueError(*refused)
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
        """Do nothing: the command got the rendering when it ran."""


@dataclass(frozen=True)
class PlaceStatus:
    """The status of one place of a target; `expires_at` as in its record."""

    name: str
    said: str
    is_good: bool
    expires_at: int | None = None

    def document(self, target: RefreshTarget, now: float) -> dict[str, Any]:
        """Return the status as a JSON object of our documents."""
        return {
            "target": self.name,
            "format": target.format,
            "registries": list(target.registries),
            "good": self.is_good,
            **life(self.expires_at, now),
            "said": self.said,
        }


def statuses(target: RefreshTarget) -> Iterator[PlaceStatus]:
    """Yield the status of each place."""
    try:
        places = target.destination.places()
    except (DockcredError, OSError) as error:
        yield PlaceStatus(target.destination.name, str(error), is_good=False)
        return
    for place in places:
        try:
            yield _status(place, target)
        except (DockcredError, OSError) as error:
            yield PlaceStatus(place.name, str(error), is_good=False)


def _status(place: Place, target: RefreshTarget) -> PlaceStatus:
    record = place.look()
    if isinstance(place, CommandDestination):
        said = "it cannot be asked what it has"
        return PlaceStatus(place.name, said, is_good=True)
    if record is None:
        raise IssueError("nothing of ours is there")
    if record.made_for != target.made_for:
        raise IssueError("what is there was made for something else")
    now = time.time()
    said = f"it {record.ends(now)}"
    is_good = record.expires_at is None or record.expires_at > now
    return PlaceStatus(place.name, said, is_good, record.expires_at)
