"""A fleet's calls against a token bucket, as a sequence of events.

Every node has processors of its own here. What is measured on one is given: START_S, a
plugin's start until its call arrives, or many that were measured on a machine that has
to do all of it (bench.storm_run), and CALL_S, one call's way there and back. What
our plugin does is not written down a second time: its turns are identity.turn's own.
Kubelet is: a failed pull is tried again at the first look at its pod, each 10 to 15 s,
after a back-off that doubles from ten seconds to five minutes.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from dockcred.identity import turn
from dockcred.identity.turn import Turn
from dockcred.protocol import PLUGIN_TIMEOUT_S
from dockcred.providers.ecr import ECR

START_S = 0.08  # a cold get on the direct road (performance.md B4)
CALL_S = 0.05
LOOKS_S = (10.0, 15.0)
BOOT_S = 1.0
PEER_ATTEMPTS = 3
SEED = 20


@dataclass(frozen=True, slots=True)
class Quota:
    """What a cloud lets through: so many at once, and so many more per second."""

    per_second: float
    burst: int

    def limit_s(self, nodes: int) -> float:
        """Return the seconds that one call of each node takes at the very least."""
        return max(0.0, (nodes - self.burst) / self.per_second)


DEFAULT = Quota(20.0, 200)
RAISED = Quota(500.0, 500)


@dataclass(frozen=True, slots=True)
class StormResult:
    """What the API saw, and when the last node had its credential, in seconds."""

    calls: int
    throttled: int
    seconds: float
    most: int = 0
    """The calls of the node that made the most."""


@dataclass(slots=True)
class _Node:
    number: int
    calls: int = 0
    served: bool = False
    turn: Turn | None = None


@dataclass(frozen=True, slots=True)
class _Process:
    """One process of kubelet's on a node: its start, and the failed ones before it."""

    node: _Node
    started: float
    rounds: int = 0
    attempt: int = 1


class Storm:
    """One boot of a fleet; the same seed gives the same outcome.

    `ours` is our plugin, else the cloud's own; `fleet` what DOCKCRED_FLEET says;
    each start of a process takes one of `starts`.
    """

    def __init__(
        self,
        nodes: int,
        images: int,
        quota: Quota,
        *,
        ours: bool,
        fleet: int = 0,
        seed: int = SEED,
        boot_s: float = BOOT_S,
        starts: Sequence[float] = (START_S,),
    ) -> None:
        """Boot the nodes within `boot_s` seconds."""
        self._quota = quota
        self._ours = ours
        self._starts = starts
        self._told = turn.told_ends(fleet, ECR.quotas)
        self._chance = chance = random.Random(seed)
        self._nodes = [_Node(number) for number in range(nodes)]
        self._events: list[tuple[float, int, _Process, bool]] = []
        self._added = 0
        for node in self._nodes:
            boot = boot_s * chance.random()
            for _ in range(1 if ours else images):
                at = boot + self._start_s() + chance.random() / 100
                self._add(at, _Process(node, boot))

    def _start_s(self) -> float:
        """Return what the start of one process takes."""
        starts = self._starts
        return starts[0] if len(starts) == 1 else self._chance.choice(starts)

    def _add(self, when: float, process: _Process, *, calls: bool = True) -> None:
        """Add what happens: a process calls, or is started and may have to wait."""
        self._added += 1
        heapq.heappush(self._events, (when, self._added, process, calls))

    def run(self) -> StormResult:
        """Follow the nodes to the last credential.

        Kubelet keeps what the first image of a node got for its registry, so an image
        that is tried again after that needs no call.
        """
        quota = self._quota
        tokens, filled_at, last, throttled = float(quota.burst), 0.0, 0.0, 0
        while self._events:
            now, _, process, calls = heapq.heappop(self._events)
            node = process.node
            if node.served and process.attempt == 1 and process.rounds:
                continue
            if not calls:
                self._begin(process, now + self._start_s())
                continue
            node.calls += 1
            more = (now - filled_at) * quota.per_second
            tokens = min(float(quota.burst), tokens + more)
            filled_at = now
            if tokens >= 1:
                tokens -= 1
                if not node.served:
                    node.served = True
                    last = now + CALL_S
                continue
            throttled += 1
            put_off = self._put_off if self._ours else self._peer
            put_off(process, now + CALL_S)
        made = [node.calls for node in self._nodes]
        return StormResult(sum(made), throttled, last, max(made))

    def _put_off(self, process: _Process, now: float) -> None:
        """Draw a turn, as our plugin does."""
        drawn = process.node.turn = process.node.turn or Turn(now)
        drawn.rounds = process.rounds
        left_s = PLUGIN_TIMEOUT_S - (now - process.started) - turn.RESERVE_S
        drawn.put_off(now, self._chance.random, self._told, left_s=left_s)
        self._wait(process, drawn, now)

    def _begin(self, process: _Process, now: float) -> None:
        """Start a process of ours, whose turn may have come while none was there."""
        drawn = process.node.turn
        if drawn and drawn.moment > now:
            self._wait(process, drawn, now)
        else:
            self._add(now, process)

    def _wait(self, process: _Process, drawn: Turn, now: float) -> None:
        """Wait in the process for the turn, else fail so that kubelet comes in time."""
        left_s = PLUGIN_TIMEOUT_S - (now - process.started) - turn.RESERVE_S
        wait_s = drawn.moment - now
        if wait_s <= left_s:
            self._add(drawn.moment, process)
            return
        held_s = turn.plan(wait_s, left_s, process.rounds)[0] if left_s > 0 else 0.0
        again = self._kubelet(now + held_s, process.rounds)
        later = _Process(process.node, again, process.rounds + 1)
        self._add(again, later, calls=False)

    def _peer(self, process: _Process, now: float) -> None:
        """Pause with full jitter below 2**n s, three times (aws-sdk-go-v2)."""
        if process.attempt < PEER_ATTEMPTS:
            pause = min(20.0, self._chance.random() * 2.0**process.attempt)
            self._add(now + pause, replace(process, attempt=process.attempt + 1))
        else:
            again = self._kubelet(now, process.rounds)
            later = _Process(process.node, again, process.rounds + 1)
            self._add(again + self._start_s(), later)

    def _kubelet(self, failed_at: float, rounds: int) -> float:
        """Return when kubelet tries a pull again that has failed so often before."""
        return failed_at + back_off_s(rounds, self._chance)


def back_off_s(rounds: int, chance: random.Random) -> float:
    """Return how long kubelet waits after a failed pull, by its looks at the pod."""
    least_s = min(turn.MAX_BACK_OFF_S, turn.PULL_BACK_OFF_S * 2.0**rounds)
    waited_s = 0.0
    while waited_s < least_s:
        waited_s += chance.uniform(*LOOKS_S)
    return waited_s
