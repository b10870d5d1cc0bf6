"""Kill or interrupt setup and undo at each system call that changes a file."""

from __future__ import annotations

import json
import random
import stat
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from failures.every_call.points import KILL, Point
from failures.every_call.points import of as points_of
from failures.every_call.world import World
from support.starting import Ended, Table

SETUP = ("setup", "--yes")
UNDO = ("setup", "--undo", "--yes")
# Not files of the person: caches, empty lock files, and files that only an undo reads.
_CACHE = "home/.cache"
_OURS = (".dockcred-undo", ".before-dockcred", ".dockcred.lock")
_STATE = "home/.local/state/dockcred/"
Seen = tuple[str, int, bytes]
Tree = dict[str, Seen]


@dataclass
class Killed:
    """Counts of the points where a run was stopped, and the problems found."""

    what: str
    found: int = 0
    held: int = 0
    missed: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        counts = ", ".join(f"{name} {n}" for name, n in self.calls.most_common())
        return (
            f"{self.what}: stopped at {self.held} of {self.found} points ({counts}), "
            f"{len(self.problems)} problems, {self.missed} runs came elsewhere"
        )


class Machine:
    """A home and /usr/local/bin, which can be restored before each run."""

    def __init__(
        self,
        table: Table,
        home: World,
        local: World,
        environment: dict[str, str],
        secrets: tuple[bytes, ...],
    ) -> None:
        self._table = table
        self._home = home
        self._local = local
        self._environment = environment
        self._secrets = secrets
        self.places = (str(home.path), "/usr/local/bin")

    def remember(self) -> None:
        """Keep the present state, for `restore`."""
        self._home.remember()
        self._local.remember()

    def restore(self) -> None:
        """Bring back the state that `remember` kept."""
        self._home.restore()
        self._local.restore()

    def run(self, argv: tuple[str, ...], **how: object) -> Ended:
        """Run `dockcred` to its end."""
        return self._table.run(
            "dockcred",
            *argv,
            environment=self._environment,
            directory=Path("/"),
            **how,
        )

    def succeed(self, argv: tuple[str, ...], **how: object) -> Ended:
        """Run `dockcred`, which must succeed."""
        ended = self.run(argv, **how)
        assert is_done(ended), (argv, ended.stdout + ended.stderr)
        return ended

    def tree(self) -> Tree:
        """Return owner, mode, and content or target of every file, without caches."""
        found = {}
        for start, world in (("", self._home), ("bin/", self._local)):
            for name, seen in world.everything().items():
                if not name.startswith((_CACHE, "vault")):
                    found[start + name] = (str(seen.owner), seen.mode, seen.content)
        return found

    def holders(self) -> dict[str, int]:
        """Return the files that hold a secret, with their modes."""
        return self._home.holders(self._secrets) | self._local.holders(self._secrets)


def is_done(ended: Ended) -> bool:
    """Return whether the run did all its steps.

    A setup's status is 1 even then: the proof fails, because no registry is there.
    """
    return ended.status == 0 or (ended.status == 1 and b"\nProof\n" in ended.stdout)


def persons(tree: Tree) -> Tree:
    """Return only the files of a tree that belong to the person or their clients."""
    return {
        name: seen
        for name, seen in tree.items()
        if not name.endswith(_OURS)
        and not name.startswith(_STATE)
        and not stat.S_ISDIR(seen[1])
    }


class Loop:
    """Runs setup or undo, and ends it at each of its calls: by a kill or Ctrl-C."""

    def __init__(
        self, machine: Machine, *, undo: bool = False, signal: str = "KILL"
    ) -> None:
        self._machine = machine
        self._signal = signal
        self._undo = undo
        self._argv = UNDO if undo else SETUP
        machine.remember()
        self._old = machine.tree()
        self._open = machine.holders()  # a file may be open to others before setup
        machine.succeed(SETUP, learn=True)
        self._new = machine.tree()
        self._holders = set(machine.holders())
        assert persons(self._old) != persons(self._new)
        if undo:
            machine.remember()
            machine.succeed(UNDO, learn=True)
            machine.restore()
        else:
            machine.restore()
        self._calls = machine.succeed(self._argv, traced=True).calls

    def points(self) -> list[Point]:
        """Return every call that changes a file."""
        found = {
            point: None
            for place in self._machine.places
            for point in points_of(self._calls, place)
            if point.how == KILL
        }
        return list(found)

    def run(self, some: int = 0, seed: int = 0) -> Killed:
        """Stop the command at all points, or at `some` of them, picked by a seed."""
        points = self.points()
        verb = "undo" if self._undo else "setup"
        killed = Killed(f"{verb}, SIG{self._signal}", len(points))
        if some and some < len(points):
            points = random.Random(seed).sample(points, some)
        for number, point in enumerate(points):
            self._machine.restore()
            inject = point.inject.replace("=KILL", f"={self._signal}")
            ended = self._machine.run(self._argv, inject=inject)
            if not self._was_hit(point, ended):
                killed.missed += 1
                continue
            killed.held += 1
            killed.calls[point.name] += 1
            problems = [*self._at_once(), *self._later(number)]
            if b"Traceback" in ended.stderr:
                problems.append(f"a traceback: {ended.stderr[-300:]!a}")
            killed.problems += [f"{problem}; {point}" for problem in problems]
        return killed

    def _was_hit(self, point: Point, ended: Ended) -> bool:
        places = self._machine.places
        if self._signal == "KILL":
            return any(point.was_hit(ended.calls, place) for place in places)
        came = next(
            (n for n, c in enumerate(ended.calls) if c.startswith("--- SIGINT")), 0
        )
        last = ended.calls[came - 1] if came else ""
        return last.startswith(f"{point.name}(") and any(p in last for p in places)

    def _at_once(self) -> list[str]:
        """Return the problems of the files right after the kill."""
        old, new, there = map(persons, (self._old, self._new, self._machine.tree()))
        problems = [
            f"torn: {name} is neither old nor new: {there.get(name)!a:.300}"
            for name in old | new
            if not _is_whole(there.get(name), old.get(name), new.get(name))
        ]
        return problems + [
            f"open to others: {name} is {mode:o}"
            for name, mode in self._machine.holders().items()
            if mode & 0o077 and self._open.get(name.partition(".*.new")[0]) != mode
        ]

    def _later(self, number: int) -> list[str]:
        """Return the problems of the next run, its leftovers, and the undo after it."""
        problems = []
        # Every second killed setup is undone at once, without a next run.
        if not self._undo and number % 2:
            again = self._machine.run(SETUP)
            if not is_done(again):
                return [_said("the next run fails", again)]
            there = self._machine.tree()
            problems += [
                f"after the next run {name} is {there.get(name)!a:.200}, not new"
                for name in self._new | there
                if there.get(name) != self._new.get(name)
                and name not in self._new.keys() & there.keys() - persons(there).keys()
            ]
            left = set(self._machine.holders()) - self._holders
            problems += [f"leftover with a secret: {name}" for name in left]
        undone = self._machine.run(UNDO)
        if not is_done(undone):
            return [*problems, _said("the undo fails", undone)]
        there = self._machine.tree()
        return problems + [
            f"after the undo {name} is {there.get(name)!a:.200}, not old"
            for name in self._old | there
            if there.get(name) != self._old.get(name) and not _is_above_state(name)
        ]


def _is_above_state(name: str) -> bool:
    """Return whether it is a directory of the journal, which the undo may leave.

    A run that is killed after making it, before the first journal, leaves it empty.
    """
    return name in {"home/.local", "home/.local/state", "home/.local/state/dockcred"}


def _is_whole(there: Seen | None, old: Seen | None, new: Seen | None) -> bool:
    """Return whether a file is the old one, the new one, or a valid step between them.

    Two steps change a file such as docker's. Between them the value of each key is the
    old or the new one.
    """
    if there in {old, new}:
        return True
    if not (there and old and new) or there[:2] not in {old[:2], new[:2]}:
        return False
    try:
        return _is_between(*(json.loads(each[2]) for each in (there, old, new)))
    except ValueError:
        return False


def _is_between(there: object, old: object, new: object) -> bool:
    if there in (old, new):
        return True
    tables = [each for each in (there, old, new) if isinstance(each, dict)]
    if len(tables) < 2 or not isinstance(there, dict):
        return False
    first, second = ({} if not isinstance(each, dict) else each for each in (old, new))
    names = there.keys() | first.keys() | second.keys()
    return all(
        _is_between(there.get(name), first.get(name), second.get(name))
        for name in names
    )


def _said(what: str, ended: Ended) -> str:
    return f"{what}: {ended.status} {ended.stdout + ended.stderr!a:.400}"
