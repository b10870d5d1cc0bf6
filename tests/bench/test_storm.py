"""A fleet that boots at once, by the model and as processes: docs/kubernetes.md's table.

The model's turns are the plugin's own code (dockcred.identity.turn). Kubelet's backoff
and AWS's token bucket are modelled in bench.storm_model.
"""

from __future__ import annotations

import os

import pytest
from bench import storm, storm_run
from bench.storm_model import (
    BOOT_S,
    CALL_S,
    DEFAULT,
    RAISED,
    START_S,
    Quota,
    Storm,
    StormResult,
)
from bench.storm_run import RUN_STANDS_FOR

# All nodes boot within BOOT_S. Even without a quota the last one needs its own call.
OWN_S = BOOT_S + START_S + CALL_S


def boot(nodes, quota, *, fleet=0, seed=20):
    return Storm(nodes, 10, quota, ours=True, fleet=fleet, seed=seed).run()


@pytest.mark.parametrize("nodes", [1000, 10_000])
@pytest.mark.parametrize("quota", [DEFAULT, RAISED], ids=["20", "500"])
@pytest.mark.parametrize("seed", [20, 7])
def test_a_told_fleet_is_through_in_the_quota_s_time_with_three_calls(
    nodes, quota, seed
):
    found = boot(nodes, quota, fleet=nodes, seed=seed)
    assert found.seconds <= 1.2 * quota.limit_s(nodes) + OWN_S
    assert found.calls <= 3 * nodes
    assert found.most <= 8


@pytest.mark.parametrize(
    ("nodes", "quota", "times", "calls"),
    [
        (1000, DEFAULT, 1.2, 3),
        (1000, RAISED, 22, 1.1),
        (10_000, RAISED, 2.1, 3),
        (10_000, DEFAULT, 3.3, 6),
    ],
)
def test_a_fleet_of_which_nothing_is_told_finds_the_quota_by_doubling(
    nodes, quota, times, calls
):
    found = boot(nodes, quota)
    assert found.seconds <= times * quota.limit_s(nodes) + OWN_S
    assert found.calls <= calls * nodes


@pytest.mark.parametrize("nodes", [10, 100])
def test_what_fits_into_the_burst_is_one_call_a_node_at_once(nodes):
    found = boot(nodes, DEFAULT, fleet=nodes)
    assert (found.calls, found.throttled) == (nodes, 0)
    assert found.seconds <= OWN_S + 0.1


def test_a_fleet_told_too_large_is_slower_and_one_too_small_is_still_served():
    many = boot(1000, DEFAULT, fleet=2000)
    few = boot(1000, DEFAULT, fleet=500)
    assert many.seconds <= 1.2 * DEFAULT.limit_s(2000) + OWN_S
    assert few.seconds <= 5 * DEFAULT.limit_s(1000)
    assert few.calls <= 5 * 1000


def told(run: storm_run.Run) -> storm_run.Run:
    """Return the run; skip the test if the machine was too busy to compare with."""
    if not run.is_told:
        pytest.skip(f"the machine is too busy for a storm: {run}")
    return run


@pytest.mark.slow
def test_installed_processes_do_what_the_model_says():
    """The quota is so small that a handful of processes are throttled."""
    quota = Quota(0.5, 1)
    done = told(storm_run.run(4, quota=quota, fleet=206, clock=1, runs=1))
    assert done.agrees(), str(done)


@pytest.mark.slow
@pytest.mark.parametrize("fleet", [RUN_STANDS_FOR, 0], ids=["told", "untold"])
def test_processes_whose_clock_is_faster_do_what_the_model_says(fleet):
    """Ten nodes stand for 2,000, and kubelet retries their pulls."""
    done = told(storm_run.run(10, fleet=fleet))
    assert done.agrees(), str(done)
    assert min(each.throttled for each in done.found) > 10


@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("DOCKCRED_NIGHT"), reason="minutes: at night")
@pytest.mark.parametrize("fleet", [RUN_STANDS_FOR, 0], ids=["told", "untold"])
def test_many_processes_do_what_the_model_says(fleet):
    done = told(storm_run.run(100, fleet=fleet))
    assert done.agrees(), str(done)


def result(calls, seconds):
    return StormResult(calls, 0, seconds)


MODEL = [result(20 + n % 5, 100.0 + n % 7) for n in range(100)]


@pytest.mark.parametrize(
    ("calls", "seconds", "agrees"),
    [(22, 103, True), (25, 103, False), (22, 107, False), (19, 103, False)],
)
def test_a_run_agrees_that_is_where_the_model_s_runs_are(calls, seconds, agrees):
    run = storm_run.Run([result(calls, seconds)], [0.1] * 10, MODEL)
    assert run.agrees() == agrees


def test_the_mean_of_many_runs_is_held_closer():
    one = storm_run.Run([result(24, 103)], [0.1] * 10, MODEL)
    many = storm_run.Run([result(24, 103)] * 9, [0.1] * 10, MODEL)
    assert one.agrees()
    assert not many.agrees()


@pytest.mark.parametrize(
    ("starts", "strange"),
    [([0.1] * 8 + [60.0] * 2, ""), ([0.1] * 10, "gave up after 45 s")],
    ids=["slow starts", "another failure"],
)
def test_a_busy_machine_tells_nothing_and_is_no_pass(starts, strange):
    run = storm_run.Run([result(22, 103)], starts, MODEL, ["", strange])
    assert not run.is_told
    assert storm.status([run]) == storm.TOLD_NOTHING
    assert "tells nothing" in str(run)
    assert strange in str(run)


def test_what_does_not_agree_is_told_whatever_else_was_not_told():
    busy = storm_run.Run([result(22, 103)], [60.0] * 10, MODEL)
    wrong = storm_run.Run([result(90, 103)], [0.1] * 10, MODEL)
    assert storm.status([busy, wrong]) == 1
