"""Turns: when a node asks again that was throttled with a whole fleet.

Nodes cannot talk to each other, and a throttle tells nothing but itself: whoever is
throttled with it cannot know how many they are. So each draws its moment in a window,
and a moment that is throttled too is drawn anew in the next one, which ends twice as
far from the first throttle. Where the operator tells how many nodes there are
(DOCKCRED_FLEET), the first windows are as long as the cloud's known quotas need for so
many.

The moment is kept in a file (identity.turn_keeper), so that the next process waits for
it instead of asking at once. Times are those of CLOCK_MONOTONIC, which all processes of
a boot share and no correction of the clock moves; the boot is in the key.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Self

FIRST_S = 22.0
"""The end of the first window, where nobody has told how many there are."""
ROOM = 1.1
"""How much longer a told window is than the quota needs: 9 % of its calls go unused."""
LONGEST_S = 3600.0
FORGOTTEN_S = 900.0
"""After so long without a call a throttle is another fleet's, or another time's."""
RESERVE_S = 7.0
"""Of a plugin's time, for the call itself: those who wait for the entry give up 5 s
before their own end."""
_START = 0.06
"""The part of a window in which the bucket is as empty as the last one left it."""
_MOST_REDRAWN = 4
_REDRAWN = 0.02
_DRAWS = 8
_LATE_ENOUGH_S = 20.0

PULL_BACK_OFF_S, MAX_BACK_OFF_S = 10.0, 300.0
"""Kubelet's wait after a failed pull: doubled each time, up to the second."""
_LATE_S = 8.0
"""How late kubelet comes on average: it looks at a failed pod each 10 to 15 s."""
_MOST_AHEAD = 24
_ROUND_S = 5.0
"""Who starts so long after the last answer was started by a back-off that is over."""

_HEAD = "dockcred turn 1"
_END = "end"
_LINES = 11


def told_ends(fleet: int, quotas: Iterable[tuple[float, int]]) -> tuple[float, ...]:
    """Return the ends of the windows that so many nodes need at each quota, in seconds.

    A quota is a rate per second and a burst. None where nobody has told of a fleet, or
    all of it fits into the bursts.
    """
    needed = ((fleet - burst) / rate for rate, burst in quotas if fleet > burst)
    return tuple(sorted(min(LONGEST_S, ROOM * each) for each in needed))


def end_s(window: int, told: tuple[float, ...]) -> float:
    """Return the end of a window in seconds after the first throttle; 0 of number 0."""
    if window <= 0:
        return 0.0
    if window <= len(told):
        return told[window - 1]
    last_s = told[-1] if told else FIRST_S / 2
    return min(LONGEST_S, last_s * 2.0 ** min(window - len(told), 16))


def plan(wait_s: float, left_s: float, rounds: int) -> tuple[float, float]:
    """Return how long a plugin waits before it fails, and what is then to spare.

    It has `left_s` and its turn is in `wait_s`, which is more; `rounds` pulls have
    failed before. Kubelet's back-off alone leads past most moments: five minutes pass
    between its last tries. Each process that fails a little later moves all that
    follow, so that one is there at the moment. What is to spare is below 0 where none
    can be.
    """
    comes_s, best_s, held_s = 0.0, -LONGEST_S, 0.0
    for ahead in range(1, _MOST_AHEAD + 1):
        back_off_s = PULL_BACK_OFF_S * 2.0 ** min(rounds + ahead - 1, 5)
        comes_s += min(MAX_BACK_OFF_S, back_off_s) + _LATE_S
        # The turn is to be in the middle of what that process can wait.
        needed_s = wait_s - left_s / 2 - comes_s
        spare_s = left_s / 2 + min(needed_s, ahead * left_s - needed_s)
        if spare_s > best_s:
            best_s, held_s = spare_s, needed_s / ahead
    return min(left_s, max(0.0, held_s)), best_s


class Turn:
    """The moment that one node has drawn for one mint, and how it came to it.

    began, moment, answered_at   times of time.monotonic: of the first throttle, of the
                                 next call, of the last failure that kubelet was told
    window                       the number of the window that the moment is in
    rounds                       how often kubelet was told so
    """

    __slots__ = (
        "answered_at",
        "began",
        "cause",
        "moment",
        "redrawn",
        "rounds",
        "window",
    )

    def __init__(self, began: float) -> None:
        """Begin with the first throttle."""
        self.began = began
        self.moment = began
        self.answered_at = 0.0
        self.window = 0
        self.redrawn = 0
        self.rounds = 0
        self.cause = ""

    def put_off(
        self,
        now: float,
        draw: Callable[[], float],
        told: tuple[float, ...],
        least_s: float = 0.0,
        left_s: float = 0.0,
    ) -> None:
        """Draw a moment after a throttle; `draw` gives at least 0 and below 1.

        It is `least_s` away or more (Retry-After), and where possible one at which a
        process will be there, if this one is kubelet's and has `left_s`.
        """
        from_s, to_s = self._window(now - self.began, told, least_s)
        for _ in range(_DRAWS):
            self.moment = self.began + from_s + draw() * (to_s - from_s)
            wait_s = self.moment - now
            if left_s <= 0 or wait_s <= left_s:
                break
            if plan(wait_s, left_s, self.rounds)[1] >= -_LATE_ENOUGH_S:
                break

    def _window(
        self, passed_s: float, told: tuple[float, ...], least_s: float
    ) -> tuple[float, float]:
        """Return where to draw from, in seconds after the first throttle.

        What is told is believed: in the last told window it is drawn again in the rest.
        So it is at the start of any, where the bucket is as the last one has left it.
        """
        first_s = passed_s + least_s
        starts, ends = end_s(self.window - 1, told), end_s(self.window, told)
        if told and self.window == len(told) and self.redrawn < _MOST_REDRAWN:
            self.redrawn += 1
            return first_s, max(ends, first_s + (ends - starts) * _REDRAWN)
        if self.window == 0 or passed_s > starts + (ends - starts) * _START:
            self.window += 1
        while True:
            starts, ends = end_s(self.window - 1, told), end_s(self.window, told)
            from_s = max(first_s, starts)
            if ends - from_s >= (ends - starts) / 4 > 0:
                return from_s, ends
            if ends >= LONGEST_S:
                return from_s, from_s + LONGEST_S / 4
            self.window += 1

    def start(self, now: float) -> None:
        """Count the rounds of kubelet's when a process begins that minds the turn."""
        if self.answered_at and now - self.answered_at >= _ROUND_S:
            self.rounds += 1
            self.answered_at = 0.0

    def is_forgotten(self, now: float) -> bool:
        """Return whether it is of another time: long over, or none that can be."""
        is_sound = self.began <= now and self.moment <= now + 2 * LONGEST_S
        return not is_sound or now - self.moment > FORGOTTEN_S

    def to_text(self, key: str) -> str:
        """Write it as lines, for one key."""
        times = (self.began, self.moment, self.answered_at)
        numbers = (self.window, self.redrawn, self.rounds)
        lines = (_HEAD, key, *map(repr, (*times, *numbers)), self.cause, _END)
        return "\n".join(lines) + "\n"

    @classmethod
    def from_text(cls, text: str, key: str) -> Self | None:
        """Read the lines; None for what is torn, or another key's or version's."""
        lines = text.split("\n")
        ends = lines[-2:] == [_END, ""]
        if len(lines) != _LINES or lines[:2] != [_HEAD, key] or not ends:
            return None
        try:
            began, moment, answered_at = map(float, lines[2:5])
            window, redrawn, rounds = map(int, lines[5:8])
        except ValueError:
            return None
        turn = cls(began)
        turn.moment, turn.answered_at = moment, answered_at
        turn.window, turn.redrawn, turn.rounds = window, redrawn, rounds
        turn.cause = lines[8]
        return turn if window > 0 and redrawn >= 0 and rounds >= 0 else None
