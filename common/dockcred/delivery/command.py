"""A program that takes the rendering on stdin: for a KBS, a vault, anything else."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from dockcred import child_program, environment
from dockcred.delivery.record import Record
from dockcred.errors import IssueError

TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Command:
    """A program and its arguments, which never hold a secret; its own single place."""

    words: tuple[str, ...]
    grows: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """Name it as messages do."""
        return os.path.basename(self.words[0])

    def overlaps(self, other: object) -> bool:
        """Tell whether it is the same command."""
        return other == self

    def places(self) -> Sequence[Command]:
        """Answer itself."""
        return [self]

    def look(self) -> None:
        """Nobody can ask a program what it has made of the last rendering."""

    def deliver(self, content: bytes, record: Record) -> Record:
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

    def settle(self, there: Record) -> None:
        """Do nothing: it was told when it ran."""
