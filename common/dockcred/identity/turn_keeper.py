"""Keep a node's turn (see identity.turn) in this process and in a file for the next."""

from __future__ import annotations

import os
import time

from dockcred.errors import ThrottledError
from dockcred.identity.cache.files import TURN, Cache
from dockcred.identity.turn import FORGOTTEN_S, RESERVE_S, Turn, plan, told_ends
from dockcred.system import process
from dockcred.system.machine import RUN_DIRECTORY, is_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.identity.provider import Provider
    from dockcred.system.environment import Environment

_PERSON_S = 5.0
_PERSON_RESERVE_S = 3.0


class TurnKeeper:
    """The turn of one entry's mint in this process, and its file."""

    def __init__(
        self,
        cache: Cache,
        name: str,
        key: str,
        told: tuple[float, ...],
    ) -> None:
        """Read the turn that an earlier process has left."""
        self._places = places(cache)
        self._file = f"{name}{TURN}"
        self._key = key
        self._told = told
        self._has_come = False
        self._turn: Turn | None = None
        now = time.monotonic()
        for place in self._places:
            turn = Turn.from_text(place.read_text(self._file), key)
            if turn and not turn.is_forgotten(now):
                turn.start(now)
                self._turn = turn
                break

    def check(self) -> None:
        """Raise ThrottledError if this node's turn is still to come."""
        turn = self._turn
        if turn and not self._has_come and turn.moment > time.monotonic():
            raise self._error(turn)

    def put_off(self, error: ThrottledError) -> None:
        """Draw a moment after a throttle and write it; the plugin waits for it."""
        now = time.monotonic()
        turn = self._turn or Turn(now)
        turn.cause = error.cause.replace("\n", " ")
        left_s = process.remaining_s() - RESERVE_S if process.takes_turns else 0.0
        turn.put_off(now, _drawn, self._told, error.retry_after_s, left_s)
        self._turn = turn
        self._write()
        self._has_come = not process.takes_turns

    def wait(self, error: ThrottledError) -> None:
        """Wait for the node's turn, or raise the error that says when it comes.

        A person's client waits as long as its short time allows, and then asks anyway.
        """
        turn = self._turn
        if turn is None or self._has_come:
            raise error
        wait_s = turn.moment - time.monotonic()
        process.set_activity("waiting for this node's turn, for it was throttled")
        left_s = process.remaining_s()
        if not process.takes_turns:
            bound_s = min(_PERSON_S, left_s - _PERSON_RESERVE_S)
            time.sleep(max(0.0, min(wait_s, bound_s)))
            self._has_come = True
            return
        left_s -= RESERVE_S
        if wait_s <= left_s:
            time.sleep(max(0.0, wait_s))
            return
        if left_s > 0:
            time.sleep(plan(wait_s, left_s, turn.rounds)[0])
        turn.answered_at = time.monotonic()
        self._write()
        raise self._error(turn) from None

    def end(self) -> None:
        """Forget the turn, after its mint has succeeded."""
        self._turn = None
        for place in self._places:
            place.remove(self._file)

    def _write(self) -> None:
        """Write the turn to the first directory that can be written, if any."""
        if turn := self._turn:
            text = turn.to_text(self._key)
            ends = time.time() + turn.moment - time.monotonic() + FORGOTTEN_S
            any(cache.write_text(self._file, text, ends) for cache in self._places)

    @staticmethod
    def _error(turn: Turn) -> ThrottledError:
        wait_s = max(0.0, turn.moment - time.monotonic())
        return ThrottledError(
            turn.cause,
            f"it is asked again in {wait_s:.0f} s, when this node's turn comes; "
            "for less, ask for a higher quota",
        )


def _drawn() -> float:
    return int.from_bytes(os.urandom(4), "big") / 2**32


def places(cache: Cache) -> list[Cache]:
    """Return the directories for a turn: the cache's, which is below /run on a node.

    For root, the one below /run is used too, if there is no other cache to write to.
    """
    found = [cache] if cache.wanted else []
    if is_root() and cache.wanted != RUN_DIRECTORY:
        found.append(Cache(RUN_DIRECTORY))
    return found


def told(environment: Environment, provider: Provider) -> tuple[float, ...]:
    """Return the ends of the windows for the fleet of DOCKCRED_FLEET, in seconds."""
    text = environment.get("DOCKCRED_FLEET")
    fleet = int(text) if text.isascii() and text.isdecimal() else 0
    return told_ends(fleet, provider.quotas)
