"""Turns: when a node may ask again after the cloud throttled it with its whole fleet.

Nodes cannot talk to each other, and a throttle does not tell how many nodes it hit. So
each node draws a random moment in a window of time: its turn. If the call at that
moment is throttled too, the node draws again in the next window, which ends twice as
far from the first throttle. If the operator tells the number of nodes (DOCKCRED_FLEET),
the first windows are as long as the cloud's known quotas need for that number.

The moment is kept in a file (identity.turn_keeper), so that the next process waits for
it instead of asking at once. Times are in seconds of CLOCK_MONOTONIC: all processes of
a boot share it, and no correction of the clock moves it. The boot is in the key.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Self

FIRST_S = 22.0
"""The end of the first window in seconds, if the number of nodes is unknown."""
ROOM = 1.1
"""The factor by which a known fleet's window is longer than the quota needs.

So 9 % of its calls stay unused.
"""
LONGEST_S = 3600.0
FORGOTTEN_S = 900.0
"""Seconds after a turn's moment when it is forgotten: a later throttle is a new one."""
RESERVE_S = 7.0
"""Seconds of a plugin's time that are kept for the call itself.

Callers that wait for the entry give up 5 s before their own end.
"""
_START = 0.06
"""The first part of a window, in which the last one may have used up the quota."""
_MOST_REDRAWN = 4
_REDRAWN = 0.02
_DRAWS = 8
_LATE_ENOUGH_S = 20.0

PULL_BACK_OFF_S, MAX_BACK_OFF_S = 10.0, 300.0
"""Kubelet's first and longest back-off after a failed pull; it doubles each time."""
_LATE_S = 8.0
"""Kubelet's average delay in seconds: it checks a failed pod each 10 to 15 s."""
_MOST_AHEAD = 24
_ROUND_S = 5.0
"""A process that starts so many seconds after the last answer is a new pull.

Kubelet started it because its back-off was over.
"""

_HEAD = "dockcred turn 1"
_END = "end"
_LINES = 11


def told_ends(fleet: int, quotas: Iterable[tuple[float, int]]) -> tuple[float, ...]:
    """Return the ends of the windows that a fleet needs at each quota, in seconds.

    `fleet` is the number of nodes, 0 if unknown. A quota is a rate per second and a
    burst. The result is empty if the fleet is unknown or fits into the bursts.
    """
    needed = ((fleet - burst) / rate for rate, burst in quotas if fleet > burst)
    return tuple(sorted(min(LONGEST_S, ROOM * each) for each in needed))


def end_s(window: int, told: tuple[float, ...]) -> float:
    """Return the end of a window in seconds after the first throttle.

    Windows count from 1; the end of number 0 is 0. `told` is what `told_ends` returned.
    """
    if window <= 0:
        return 0.0
    if window <= len(told):
        return told[window - 1]
    last_s = told[-1] if told else FIRST_S / 2
    return min(LONGEST_S, last_s * 2.0 ** min(window - len(told), 16))


def plan(wait_s: float, left_s: float, rounds: int) -> tuple[float, float]:
    """Return how long a plugin waits before it fails, and the spare time then.

    All times are in seconds. The plugin has `left_s`, and its turn comes in `wait_s`,
    which is more. `rounds` is how many pulls have failed before.

    With kubelet's back-off alone, most turns would pass between two tries: the last
    tries are five minutes apart. A process that fails later also moves all later tries.
    So the wait is chosen such that one later process runs when the turn comes. The
    spare time is below 0 if no process can run then.
    """
    comes_s, best_s, held_s = 0.0, -LONGEST_S, 0.0
    for ahead in range(1, _MOST_AHEAD + 1):
        back_off_s = PULL_BACK_OFF_S * 2.0 ** min(rounds + ahead - 1, 5)
        comes_s += min(MAX_BACK_OFF_S, back_off_s) + _LATE_S
        # Put the turn in the middle of the time that the later process can wait.
        needed_s = wait_s - left_s / 2 - comes_s
        spare_s = left_s / 2 + min(needed_s, ahead * left_s - needed_s)
        if spare_s > best_s:
            best_s, held_s = spare_s, needed_s / ahead
    return min(left_s, max(0.0, held_s)), best_s


class Turn:
    """The moment that one node has drawn for one mint, and its history.

    began, moment, answered_at   times of time.monotonic: of the first throttle, of the
                                 next call, of the last failure that kubelet got
    window                       the number of the window that the moment is in
    redrawn                      how often the moment was drawn again in the last window
    rounds                       how many pulls of kubelet's have failed
    cause                        the cause of the last throttle
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
        """Draw a new moment after a throttle.

        `now` is the present time.monotonic. `draw` returns a number from 0 to below 1.
        The moment is at least `least_s` seconds away (Retry-After). If kubelet runs
        this process, which has `left_s` seconds, then a moment is preferred at which
        one of its processes will run.
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
        """Return from and to in seconds after the first throttle, to draw between.

        The number of nodes that the operator told is believed: in the last window for
        it, the moment is drawn again in the rest of that window. The same holds at the
        start of any window, where the last one may have used up the quota.
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
        """Count a new pull of kubelet's, when a process that waits for turns starts."""
        if self.answered_at and now - self.answered_at >= _ROUND_S:
            self.rounds += 1
            self.answered_at = 0.0

    def is_forgotten(self, now: float) -> bool:
        """Return whether the turn is long over, or its times are impossible."""
        is_sound = self.began <= now and self.moment <= now + 2 * LONGEST_S
        return not is_sound or now - self.moment > FORGOTTEN_S

    def to_text(self, key: str) -> str:
        """Return the turn as lines of text, for one key."""
        times = (self.began, self.moment, self.answered_at)
        numbers = (self.window, self.redrawn, self.rounds)
        lines = (_HEAD, key, *map(repr, (*times, *numbers)), self.cause, _END)
        return "\n".join(lines) + "\n"

    @classmethod
    def from_text(cls, text: str, key: str) -> Self | None:
        """Parse the lines; None if incomplete, or of another key or version."""
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
