"""In each situation the doctor names the cause, and the remedy it prints mends it."""

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

    told = person.doctor(row.client)
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

    again = person.doctor(row.client)
    if act:
        assert next(act, None) is None
    assert again.verdict == row.then, again.said
    assert not again.problems, again.said


SAFE = (
    "helper_is_not_on_path",
    "helper_may_not_run",
    "helper_is_a_link_to_nothing",
    "helper_was_edited_on_windows",
    "another_programs_helper_shadows_ours",
    "helper_of_a_key_has_a_slip",
    "key_is_a_slip",
    "file_was_half_written",
    "bind_mount_made_a_directory",
    "setting_in_config_toml_has_a_slip",
    "cache_can_be_written_by_others",
    "passwords_can_be_read_by_others",
)
"""Rows whose remedy `--fix` may carry out."""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if number % 4 else ())
        for number, name in enumerate(SAFE)
    ],
)
def test_fix_carries_out_what_undo_takes_back(person: Person, name: str) -> None:
    row = SITUATIONS[name]
    person.host = row.host
    row.make(person)
    before = person.everything()
    printed = person.run(*person.asks(row.client)).stdout
    told = person.doctor(row.client)
    assert f"\n  run: {told.problems[0].fix}\n" in printed

    unasked = person.run(*person.asks(row.client, "--fix"))
    assert unasked.returncode == 1
    assert told.problems[0].fix in unasked.stderr
    assert "there is no terminal to ask on; add --yes" in unasked.stderr
    assert person.everything() == before

    fixed = person.run(*person.asks(row.client, "--fix", "--yes"))
    assert fixed.returncode == 0, fixed.stdout + fixed.stderr
    again = person.doctor(row.client)
    assert (again.verdict, again.problems) == (row.then, []), again.said

    assert "not taken back" not in person.succeed("dockcred", "doctor", "--undo")
    assert person.everything() == before
    assert "nothing to undo" in person.succeed("dockcred", "doctor", "--undo")


LEFT_TO_THE_PERSON = (
    "docker_config_names_an_empty_directory",
    "nobody_is_logged_in_to_github",
    "ecr_is_denied",
)


@pytest.mark.parametrize("name", LEFT_TO_THE_PERSON)
def test_fix_leaves_variables_logins_and_acts_to_the_person(
    person: Person, name: str
) -> None:
    row = SITUATIONS[name]
    person.host = row.host
    act = row.make(person)
    assert not act or next(act)
    before = person.everything()
    ran = person.run(*person.asks(row.client, "--fix", "--yes"))
    assert ran.returncode == (row.verdict == "broken")
    assert "no remedy can be carried out and taken back" in ran.stderr
    assert person.everything() == before


def test_the_table_is_whole() -> None:
    assert len(SITUATIONS) >= 40
