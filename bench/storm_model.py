"""A fleet's calls against a token bucket, as a sequence of events.

Every node has processors of its own here. What is measured on one is given: START_S, a
plugin's start until its call arrives, and CALL_S, one call's way there and back.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass

PER_SECOND, BURST = 20.0, 200
START_S = 0.08  # a cold get on the direct road (performance.md B4)
CALL_S = 0.05
PULL_BACK_OFF_S = 10.0  # kubelet's image back-off: doubled to five minutes
MAX_BACK_OFF_S = 300.0
ATTEMPTS = 3
SEED = 20


@dataclass(frozen=True, slots=True)
class StormResult:
    """What the API saw, and when the last node had its credential, in seconds."""

    calls: int
    throttled: int
    seconds: float


@dataclass(frozen=True, slots=True)
class CallPattern:
    """How a plugin calls: per image or per node, and what it does when turned away.

    `pause` answers the seconds before attempt n of one run of the plugin, None where
    the run gives up; kubelet then starts another after its back-off.
    """

    calls_per_image: bool
    pause: Callable[[int, float, random.Random], float | None]


def _ours(attempt: int, spent_s: float, chance: random.Random) -> float | None:
    """Return a quarter of a second, doubled each time and spread, within 45 s."""
    pause = 0.25 * 2.0 ** (attempt - 1)
    if 45.0 - spent_s < 2 * pause + 1:
        return None
    return pause + pause * chance.random()


def _peer(attempt: int, spent_s: float, chance: random.Random) -> float | None:
    """Return full jitter under 2**n s, three attempts (aws-sdk-go-v2's standard)."""
    del spent_s
    return None if attempt >= ATTEMPTS else min(20.0, chance.random() * 2.0**attempt)


OURS = CallPattern(calls_per_image=False, pause=_ours)
PEER = CallPattern(calls_per_image=True, pause=_peer)


def simulate(nodes: int, images: int, policy: CallPattern) -> StormResult:
    """Boot all nodes within one second; the same seed gives the same outcome.

    Kubelet keeps what the first image of a node got for its registry, so an image that
    is tried again after that needs no call.
    """
    chance = random.Random(SEED)
    per_node = images if policy.calls_per_image else 1
    boots = [chance.random() for _ in range(nodes)]
    # (when it arrives, node, attempt in this run, start of the run, runs before it)
    events = [
        (boot + START_S + chance.random() / 100, node, 1, boot, 0)
        for node, boot in enumerate(boots)
        for _ in range(per_node)
    ]
    heapq.heapify(events)
    tokens, filled_at, served = float(BURST), 0.0, set[int]()
    calls = throttled = 0
    last = 0.0
    while events:
        now, node, attempt, started, runs = heapq.heappop(events)
        if runs and attempt == 1 and node in served:
            continue
        calls += 1
        tokens = min(BURST, tokens + (now - filled_at) * PER_SECOND)
        filled_at = now
        if tokens >= 1:
            tokens -= 1
            if node not in served:
                served.add(node)
                last = now + CALL_S
            continue
        throttled += 1
        pause = policy.pause(attempt, now - started, chance)
        if pause is not None:
            event = (now + CALL_S + pause, node, attempt + 1, started, runs)
        else:
            back_off = min(MAX_BACK_OFF_S, PULL_BACK_OFF_S * 2.0**runs)
            again = now + CALL_S + back_off
            event = (again + START_S, node, 1, again, runs + 1)
        heapq.heappush(events, event)
    return StormResult(calls, throttled, last)
