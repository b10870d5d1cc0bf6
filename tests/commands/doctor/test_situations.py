"""Whatever is wrong: the doctor says so, and what it prints as the remedy mends it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dockcred.testing.sandbox import Sandbox

from .person import Person
from .person import person as at_home
from .situations import SITUATIONS


@pytest.fixture
def person(helper_bin: Path) -> Iterator[Person]:
    with Sandbox(tls=True) as cloud, at_home(helper_bin, cloud) as admitted:
        yield admitted


ROWS = [
    pytest.param(name, marks=pytest.mark.slow if row.slow else ())
    for name, row in SITUATIONS.items()
]


@pytest.mark.parametrize("name", ROWS)
def test_the_remedy_as_printed_mends_it(person: Person, name: str) -> None:
    row = SITUATIONS[name]
    person.host = row.host
    act = row.make(person)
    stands_for = next(act, "") if act else ""

    told = person.doctor("--client", row.client)
    assert told.problems, told.said
    first = told.problems[0]
    assert row.cause in first.text, told.said
    assert told.verdict == row.verdict, told.said
    assert row.remedy in first.printed, told.said
    if stands_for:
        person.said, person.command = first.printed, first.command
        next(act, None)
    else:
        assert first.command, told.said
        person.type(first.command)

    again = person.doctor("--client", row.client)
    if act:
        assert next(act, None) is None
    assert again.verdict == row.then, again.said
    assert not again.problems, again.said


def test_the_table_is_whole() -> None:
    assert len(SITUATIONS) >= 40
