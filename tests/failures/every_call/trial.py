"""Run one writer at all of its points, and check what is left after each run."""

from __future__ import annotations

import random
import stat
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from support.starting import Ended, Table

from .points import KILL, Point
from .points import of as points_of
from .world import World
from .writer import Writer


@dataclass
class Result:
    """The number of points of one writer, how many were hit, and every problem."""

    writer: str
    found: int = 0
    missed: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    @property
    def held(self) -> int:
        """The number of points that were hit."""
        return sum(self.counts.values())

    def __str__(self) -> str:
        counts = ", ".join(f"{how} {n}" for how, n in sorted(self.counts.items()))
        return (
            f"{self.writer}: {self.held} of {self.found} points ({counts}), "
            f"{len(self.problems)} problems, {self.missed} runs came elsewhere"
        )


class Trial:
    """A writer, its world, and the state of the world before and after a good run."""

    def __init__(self, table: Table, world: World, writer: Writer) -> None:
        self._table = table
        self._world = world
        self._writer = writer
        self._place = f"{world.path}/{writer.place}".rstrip("/")
        writer.prepare(world)
        for argv in writer.before:
            done = self._run(argv)
            assert done.status == 0, (writer.name, argv, done)
        world.remember()
        self._before, old = writer.look(world), world.shape()
        done = self._run(learn=True)
        assert done.status == 0, (writer.name, done)
        assert writer.answer(done), (writer.name, done)
        self._shapes = [
            # The directories from before the run may be left, even if they are empty.
            {n: found for n, found in old.items() if stat.S_ISDIR(found[0])}
        ]
        world.restore()
        self._calls = self._run(traced=True).calls
        self._after = writer.look(world)
        self._shapes.append(world.shape())
        self._holders = set(world.holders(writer.secrets))
        changes = self._after != self._before
        assert changes == writer.changes, (writer.name, self._before, self._after)
        again = self._run()
        assert again.status == 0 or self._is_refusal(again), (writer.name, again)
        self._ends = (self._after, writer.look(world))
        self._shapes.append(world.shape())
        self._holders |= set(world.holders(writer.secrets))

    def points(self) -> list[Point]:
        """Return all points; fail if the writer changes files in none of its calls."""
        found = points_of(self._calls, self._place)
        assert not self._writer.changes or any(point.how == KILL for point in found), (
            f"{self._writer.name} has changed {self._place} in no call of its own"
        )
        return found

    def run(self, some: int = 0, seed: int = 0) -> Result:
        """Try all points, or so many that the seed selects."""
        found = self.points()
        result = Result(self._writer.name, len(found))
        chosen = found
        if some and some < len(found):
            order = random.Random(seed)
            kills = [point for point in found if point.how == KILL]
            rest = [point for point in found if point.how != KILL]
            half = min(len(kills), some // 2)
            chosen = order.sample(kills, half)
            chosen += order.sample(rest, min(len(rest), some - half))
        for point in chosen:
            self._try(point, result)
        return result

    def _try(self, point: Point, result: Result) -> None:
        self._world.restore()
        ended = self._run(inject=point.inject)
        if not point.was_hit(ended.calls, self._place):
            result.missed += 1
            return
        result.counts[point.how] += 1
        problems = [*self._at_once(point, ended), *self._later()]
        result.problems += [
            f"{self._writer.name}: {problem}; {point}" for problem in problems
        ]

    def _at_once(self, point: Point, ended: Ended) -> list[str]:
        """Return the problems of a run at a point, and of the files right after it."""
        writer = self._writer
        problems = [
            f"open to others: {name} is {mode:o}"
            for name, mode in self._world.holders(writer.secrets).items()
            if mode & 0o077
        ]
        try:
            there = writer.look(self._world)
        except Exception as error:  # noqa: BLE001 - depends on what `look` uses
            return [*problems, f"torn: {error!r}"]
        problems += [
            f"torn: {name} is neither old nor new: {there.get(name)!a:.300}"
            for name in there | self._before | self._after
            if there.get(name) not in (self._before.get(name), self._after.get(name))
        ]
        if point.how == KILL:
            if ended.status != -9:
                problems.append(f"not killed: {ended.status}")
            return problems
        said = ended.stdout + ended.stderr
        if b"Traceback" in said or b"unforeseen" in said:
            problems.append(f"a traceback: {said[-300:]!a}")
        if any(secret in ended.stderr for secret in writer.secrets):
            problems.append("a secret on stderr")
        if ended.status == 0:
            if not writer.answer(ended):
                problems.append(f"wrong answer: {ended.stdout!a:.200}")
            if there != self._after and not writer.best_effort:
                problems.append("lost: it says that it has written")
        elif writer.best_effort:
            problems.append(f"no answer: {said!a:.300}")
        elif ended.status != 1 or not said.strip():
            problems.append(f"ended with {ended.status} and said {said!a:.300}")
        return problems

    def _later(self) -> list[str]:
        """Return the problems of the next run, and of the files that it leaves."""
        writer = self._writer
        ended = self._run()
        problems = []
        if ended.status and not self._is_refusal(ended):
            said = ended.stdout + ended.stderr
            return [f"the next run fails: {said!a:.300}"]
        if not ended.status and not writer.answer(ended):
            problems.append(f"the next run's wrong answer: {ended.stdout!a:.200}")
        there = writer.look(self._world)
        if there not in self._ends:
            names = [n for n in self._after if there.get(n) != self._after[n]]
            problems.append(f"lost: after the next run {names} are not there")
        shape = self._settled_shape()
        for name, dressed in shape.items():
            wanted = [known.get(name) for known in self._shapes]
            if not any(wanted) and not self._is_spare(name):
                problems.append(f"leftover: {name}")
            elif any(wanted) and dressed not in wanted:
                problems.append(f"mode or owner: {name} is {dressed}, not {wanted}")
        holders = set(self._world.holders(writer.secrets)) - self._holders
        return problems + [f"leftover with a secret: {name}" for name in holders]

    def _settled_shape(self) -> dict[str, tuple[int, int]]:
        """Return the tree's shape after waiting for cleanup, at most `settles_s`."""
        give_up = time.monotonic() + self._writer.settles_s
        while time.monotonic() < give_up:
            shape = self._world.shape()
            if all(any(name in known for known in self._shapes) for name in shape):
                break
            time.sleep(0.02)
        return self._world.shape()

    def _is_spare(self, name: str) -> bool:
        """Return whether a leftover is allowed: an empty lock or .new, or a spare."""
        is_aside = name.endswith(("lock", ".new")) and self._world.is_empty(name)
        return is_aside or name.endswith(self._writer.spare)

    def _is_refusal(self, ended: Ended) -> bool:
        """Return whether the run refuses because its change was already made."""
        done = self._writer.done
        return bool(done) and done in (ended.stdout + ended.stderr).decode()

    def _run(self, step: tuple[str, ...] = (), **how) -> Ended:
        """Run the writer, or a step before it.

        A third word of a helper's step is its stdin.
        """
        writer = self._writer
        program, *argv = step or (writer.program, *writer.argv)
        stdin = writer.stdin
        if program.startswith("docker-credential-") and len(argv) > 1:
            stdin = argv.pop().encode()
        return self._table.run(
            program,
            *argv,
            environment=writer.environment,
            directory=Path("/"),
            stdin=stdin,
            **how,
        )
