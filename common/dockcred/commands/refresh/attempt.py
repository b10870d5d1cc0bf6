"""One look at a target: what is due is renewed, and what went wrong is told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from dockcred.commands.refresh import target as schedule
from dockcred.commands.refresh.cluster import UnreachableError
from dockcred.commands.refresh.target import (
    Logins,
    Place,
    RefreshTarget,
    RenderingRecord,
)
from dockcred.errors import DockcredError, unforeseen
from dockcred.system import environment, file_lock

Report = Callable[[str], object]


def _at_half() -> float:
    return schedule.EARLIEST


@dataclass
class Kept:
    """A target, and what one process knows of its places.

    `draw` answers the part of a credential's life after which to renew it; `known` is
    what was seen in each place or put there, by the place's name.
    """

    target: RefreshTarget
    draw: Callable[[], float] = _at_half
    known: dict[str, RenderingRecord] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Draw for the first time."""
        self._part = self.draw()

    def attempt(self, logins: Logins, tell: Report) -> list[str]:
        """Bring every place up to date; answer what went wrong, one line each.

        `tell` is called with a line for each place that was written.
        """
        problems = _Problems()
        destination = self.target.destination
        places: Sequence[Place] = ()
        with problems.of(destination.name):
            places = destination.places()
            names = {place.name for place in places}
            self.known = {n: r for n, r in self.known.items() if n in names}
        due = []
        for place in places:
            with problems.of(place.name):
                problems.spare_who_is_away()
                if self._is_due(place):
                    due.append(place)
        if due:
            self._renew(due, logins, problems, tell)
        return [self._line(said, names) for said, names in problems.places.items()]

    def seconds_until_due(self) -> float:
        """Return how long all of it may be left alone, if nothing went wrong."""
        now = time.time()
        waits = [
            schedule.seconds_until_due(record, now, self._part)
            for record in self.known.values()
        ]
        if self.target.destination.grows:
            waits.append(schedule.NEW_PLACES_S)
        return min(waits, default=schedule.RECHECK_S)

    def _is_due(self, place: Place) -> bool:
        """Return whether it is due; looks there, as another may have renewed it."""
        known = self.known.get(place.name)
        if known and not self._is_over(known):
            return False
        there = place.look()
        if there and not self._is_over(there):
            place.settle(there)
        if there:
            self.known[place.name] = there
        return there is None or self._is_over(there)

    def _is_over(self, record: RenderingRecord) -> bool:
        if record.made_for != self.target.made_for:
            return True
        return schedule.is_due(record, time.time(), self._part)

    def _renew(
        self, due: Sequence[Place], logins: Logins, problems: _Problems, tell: Report
    ) -> None:
        target = self.target
        with problems.of(*(place.name for place in due)):
            found = logins.fresh(target.registries, target.policy)
            content = target.render(found)
            record = RenderingRecord.of(target.made_for, found, time.time())
            for place in due:
                with problems.of(place.name):
                    problems.spare_who_is_away()
                    self._deliver(place, content, record, tell)
            self._part = self.draw()
            if logins.trouble:
                raise logins.trouble

    def _deliver(
        self, place: Place, content: bytes, record: RenderingRecord, tell: Report
    ) -> None:
        there = place.deliver(content, record)
        if there is record:
            tell(f"wrote {place.name}: it {record.ends(time.time())}")
        place.settle(there)
        # What another program has put there is looked at again when ours is due.
        self.known[place.name] = there if there.made_for else record

    def _line(self, said: str, names: Sequence[str]) -> str:
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        where = f"{names[0]}{more}"
        if names[0] == self.target.destination.name:
            names = list(self.known)
        held = [self.known[name] for name in names if name in self.known]
        ends = [record for record in held if record.expires_at]
        first = min(ends, key=lambda record: record.expires_at or 0, default=None)
        there = f" (what is there {first.ends(time.time())})" if first else ""
        return f"{where}: {said}{there}"


class _Problems:
    """What went wrong, by what is said of it, and where: one outage is one line."""

    def __init__(self) -> None:
        self.places: dict[str, list[str]] = {}
        self._away: UnreachableError | None = None

    @contextmanager
    def of(self, *names: str) -> Iterator[None]:
        """Record a failure in the block for these places, and continue after it."""
        try:
            yield
        except UnreachableError as error:
            self._away = error
            self._add(str(error), names)
        except DockcredError as error:
            self._add(str(error), names)
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            found = file_lock.remedy(error, environment.current())
            more = f"; {found}" if found else ""
            self._add(f"{where}{error.strerror}{more}", names)
        except Exception as error:  # noqa: BLE001 - one target must not end the others
            self._add(unforeseen(error), names)

    def spare_who_is_away(self) -> None:
        """Raise what was met before, rather than wait again for each of many places."""
        if self._away:
            raise self._away

    def _add(self, said: str, names: Iterable[str]) -> None:
        self.places.setdefault(said, []).extend(names)
