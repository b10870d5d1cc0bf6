"""Simulate the calls of a fleet of nodes against a token bucket, event by event.

The model gives every node its own processors. Two durations are measured: START_S, from
the start of a plugin until its call arrives, and CALL_S, a call's round trip.
bench.storm_run passes many START_S, measured on one machine that runs all nodes.

Our plugin's behaviour is not modelled again: its turns (moments to call) come from
identity.turn. Kubelet's is: it looks at a pod every 10 to 15 s, and retries a failed
pull at the first look after a backoff, which doubles from ten seconds to five minutes.
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
    """A cloud's token bucket: `burst` calls at once, and then `per_second`."""

    per_second: float
    burst: int

    def limit_s(self, nodes: int) -> float:
        """Return the shortest time in seconds in which each node can make one call."""
        return max(0.0, (nodes - self.burst) / self.per_second)


DEFAULT = Quota(20.0, 200)
RAISED = Quota(500.0, 500)


@dataclass(frozen=True, slots=True)
class StormResult:
    """The API's calls, the throttled ones, and when the last node was served (s)."""

    calls: int
    throttled: int
    seconds: float
    most: int = 0
    """The highest number of calls by one node."""


@dataclass(slots=True)
class _Node:
    number: int
    calls: int = 0
    served: bool = False
    turn: Turn | None = None


@dataclass(frozen=True, slots=True)
class _Process:
    """One plugin process on a node; `rounds` is the number of failed ones before it."""

    node: _Node
    started: float
    rounds: int = 0
    attempt: int = 1


class Storm:
    """One boot of a fleet; the same seed gives the same outcome.

    `ours` selects our plugin, else the cloud's own. `fleet` is the value of
    DOCKCRED_FLEET. The start of each process takes one of `starts`, in seconds.
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
        """Return the duration of one process's start, in seconds."""
        starts = self._starts
        return starts[0] if len(starts) == 1 else self._chance.choice(starts)

    def _add(self, when: float, process: _Process, *, calls: bool = True) -> None:
        """Add an event: a process calls, or (calls=False) starts and may wait."""
        self._added += 1
        heapq.heappush(self._events, (when, self._added, process, calls))

    def run(self) -> StormResult:
        """Run all events, until the last node has its credential.

        Kubelet caches the credential that a node's first image got for its registry. So
        the retry of another image needs no call.
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
        """Draw a new turn after a throttled call, as our plugin does."""
        drawn = process.node.turn = process.node.turn or Turn(now)
        drawn.rounds = process.rounds
        left_s = PLUGIN_TIMEOUT_S - (now - process.started) - turn.RESERVE_S
        drawn.put_off(now, self._chance.random, self._told, left_s=left_s)
        self._wait(process, drawn, now)

    def _begin(self, process: _Process, now: float) -> None:
        """Start our plugin; its turn may have come while no process was running."""
        drawn = process.node.turn
        if drawn and drawn.moment > now:
            self._wait(process, drawn, now)
        else:
            self._add(now, process)

    def _wait(self, process: _Process, drawn: Turn, now: float) -> None:
        """Wait for the turn in this process, or fail in time for kubelet's retry."""
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
        """Retry as aws-sdk-go-v2: three attempts, with full jitter below 2**n s."""
        if process.attempt < PEER_ATTEMPTS:
            pause = min(20.0, self._chance.random() * 2.0**process.attempt)
            self._add(now + pause, replace(process, attempt=process.attempt + 1))
        else:
            again = self._kubelet(now, process.rounds)
            later = _Process(process.node, again, process.rounds + 1)
            self._add(again + self._start_s(), later)

    def _kubelet(self, failed_at: float, rounds: int) -> float:
        """Return when kubelet retries a pull, after so many earlier failures."""
        return failed_at + back_off_s(rounds, self._chance)


def back_off_s(rounds: int, chance: random.Random) -> float:
    """Return the seconds from a failed pull to kubelet's retry (at a look)."""
    least_s = min(turn.MAX_BACK_OFF_S, turn.PULL_BACK_OFF_S * 2.0**rounds)
    waited_s = 0.0
    while waited_s < least_s:
        waited_s += chance.uniform(*LOOKS_S)
    return waited_s
