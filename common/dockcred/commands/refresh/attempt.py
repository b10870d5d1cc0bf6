"""Look at one target once: renew what is due, and report what went wrong."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from dockcred.commands.refresh import target as schedule
from dockcred.commands.refresh.answers import UnreachableError
from dockcred.commands.refresh.crowd import CallResult, Crowd, SkippedError
from dockcred.commands.refresh.target import (
    Follower,
    Logins,
    Place,
    RefreshTarget,
    RenderingRecord,
    Report,
)
from dockcred.errors import DockcredError, unforeseen
from dockcred.system import environment, file_lock


def _at_half() -> float:
    return schedule.EARLIEST


def _always() -> bool:
    return True


@dataclass
class Kept:
    """A target, and what this process knows of its places.

    `draw` returns the part of a credential's life after which to renew it. `may_go_on`
    is called before each place. `known` has the last known record of each place, by the
    place's name. `follower` reports places that appear and disappear.
    """

    target: RefreshTarget
    draw: Callable[[], float] = _at_half
    may_go_on: Callable[[], bool] = _always
    known: dict[str, RenderingRecord] = field(default_factory=dict)
    follower: Follower | None = None

    def __post_init__(self) -> None:
        """Draw the part of a life for the first renewal."""
        self._part = self.draw()
        self._crowd = Crowd(self.may_go_on)
        self._failed: set[str] = set()
        self._has_logins = True

    def attempt(self, logins: Logins, tell: Report, *, again: bool = True) -> list[str]:
        """Bring every place up to date; return what went wrong, one line each.

        `tell` is called with a line for each place that was written. Without `again`,
        the places that failed last time are left out.
        """
        problems = _Problems()
        destination = self.target.destination
        places: Sequence[Place] = ()
        with problems.of(destination.name):
            places = (self.follower or destination).places()
            names = {place.name for place in places}
            self.known = {n: r for n, r in self.known.items() if n in names}
        left = set() if again else self._failed
        open_ones = [
            place
            for place in places
            if place.name not in left and not self._is_good(place)
        ]
        due = []
        for place, seen in self._crowd.each(open_ones, partial(self._look, problems)):
            with problems.of(place.name):
                if self._is_due(place, seen.get()):
                    due.append(place)
        if due:
            self._renew(due, logins, problems, tell)
        failed = {name for names in problems.places.values() for name in names}
        self._failed = failed | left
        return [self._line(said, names) for said, names in problems.places.items()]

    def take_news(self) -> bool | None:
        """Return the follower's news; None if the last login failed."""
        if self.follower and self._has_logins:
            return self.follower.take_news()
        return None

    def forget(self) -> None:
        """Forget the known records: another process may have written meanwhile."""
        self.known.clear()

    def seconds_until_due(self) -> float:
        """Return the seconds until the first place is due, if nothing went wrong."""
        now = time.time()
        waits = [
            schedule.seconds_until_due(record, now, self._part)
            for record in self.known.values()
        ]
        if self.target.destination.grows:
            waits.append(schedule.NEW_PLACES_S)
        return min(waits, default=schedule.RECHECK_S)

    def _is_good(self, place: Place) -> bool:
        known = self.known.get(place.name)
        return bool(known and not self._is_over(known) and not place.is_missing)

    def _look(self, problems: _Problems, place: Place) -> RenderingRecord | None:
        """Return the place's record, which another process may have renewed."""
        problems.spare_who_is_away()
        there = self._crowd.patiently(place.look)
        if there and not self._is_over(there):
            self._crowd.patiently(lambda: place.settle(there))
        return there

    def _is_due(self, place: Place, there: RenderingRecord | None) -> bool:
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
            self._has_logins = False
            found = logins.fresh(target.registries, target.policy)
            self._has_logins = True
            content = target.render(found)
            record = RenderingRecord.of(target.made_for, found, time.time())
            deliver = partial(self._deliver, problems, content, record)
            for place, delivered in self._crowd.each(due, deliver):
                with problems.of(place.name):
                    there, settled = delivered.get()
                    if there is record:
                        tell(f"wrote {place.name}: it {record.ends(time.time())}")
                    settled.get()
                    # If another program wrote the place, it is read again when our
                    # record is due.
                    self.known[place.name] = there if there.made_for else record
            self._part = self.draw()
            if logins.trouble:
                raise logins.trouble

    def _deliver(
        self,
        problems: _Problems,
        content: bytes,
        record: RenderingRecord,
        place: Place,
    ) -> tuple[RenderingRecord, CallResult[None]]:
        """Return the record that is there now, and the result of settle()."""
        problems.spare_who_is_away()
        patiently = self._crowd.patiently
        there = patiently(lambda: place.deliver(content, record))
        return there, CallResult.of(lambda: patiently(lambda: place.settle(there)))

    def _line(self, said: str, names: Sequence[str]) -> str:
        names = sorted(names)  # the line must not depend on which place failed first
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
    """The problems of one look: each message, and the places that it concerns.

    One outage that hits many places is one line.
    """

    def __init__(self) -> None:
        self.places: dict[str, list[str]] = {}
        self._away: UnreachableError | None = None

    @contextmanager
    def of(self, *names: str) -> Iterator[None]:
        """Record a failure in the block for these places, and continue after it."""
        try:
            yield
        except SkippedError:
            pass
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
        """Raise the last UnreachableError, instead of one timeout for each place."""
        if self._away:
            raise self._away

    def _add(self, said: str, names: Iterable[str]) -> None:
        self.places.setdefault(said, []).extend(names)
