"""When a target is due: at a random point between 1/2 and 3/4 of its life."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockcred.clients.entries import Login
from dockcred.commands import console
from dockcred.commands.refresh import target
from dockcred.commands.refresh.target import RenderingRecord, seconds
from dockcred.credential import Credential

MOMENTS = st.integers(0, 4_000_000_000)
LIVES = st.integers(2, 10_000_000)
PARTS = st.floats(0.5, 0.75)


@given(MOMENTS, LIVES, PARTS)
def test_it_is_due_in_the_third_quarter_and_at_no_other_time(start, life, part):
    record = RenderingRecord("x", start, start + life)
    assert not target.is_due(record, start + life * 0.49, part)
    assert target.is_due(record, start + life * 0.75, part)


@given(MOMENTS, LIVES, PARTS)
def test_who_waits_as_long_as_told_finds_it_due(start, life, part):
    record = RenderingRecord("x", start, start + life)
    wait = target.seconds_until_due(record, start, part)
    assert target.SOONEST_S <= wait <= max(target.SOONEST_S, life * 0.75)
    assert target.is_due(record, start + wait + 1e-3, part)


def test_a_start_in_step_does_not_stay_in_step():
    drawn = {target.draw() for _ in range(100)}
    assert len(drawn) > 90
    assert all(0.5 <= part <= 0.75 for part in drawn)


@pytest.mark.parametrize("failures", [1, 2, 3, 8, 9, 100, 10_000])
def test_each_failure_waits_longer_up_to_five_minutes(failures):
    longest = min(2.0 ** min(failures, 10), 300)
    for _ in range(50):
        assert longest / 2 <= target.pause_s(failures) <= longest


def login(issued: float, ends: float | None) -> Login:
    return Login("registry.example", Credential("u", "s", issued, ends))


def test_the_first_end_counts():
    found = RenderingRecord.of("x", [login(0, 100), login(50, 80), login(9, None)], 60)
    assert found == RenderingRecord("x", 50, 80)
    assert RenderingRecord.of("x", [login(0, None)], 60.5) == RenderingRecord(
        "x", 60, None
    )


@given(st.integers(1, 10**9), st.integers(1, 10**9))
def test_of_two_records_one_is_older_or_neither(first, second):
    one, other = RenderingRecord("x", 0, first), RenderingRecord("x", 0, second)
    assert one.is_older_than(other) == (first < second)
    unknown = RenderingRecord("", 0, second)
    assert one.is_older_than(unknown) == (first < second)
    assert not one.is_older_than(RenderingRecord("changed since", 0, second))
    assert not one.is_older_than(RenderingRecord("x", 0, None))


@given(MOMENTS)
def test_a_moment_is_read_as_it_was_written(moment):
    assert seconds(console.moment(moment)) == moment


@pytest.mark.parametrize("text", ["", "soon", "2026-01-01", "2026-01-01T00:00:00"])
def test_what_is_no_moment_is_none(text):
    assert seconds(text) is None
