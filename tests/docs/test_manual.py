"""The manual pages: one for each program and command, without a warning by groff."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from support.documents import ROOT
from support.real import program

from dockcred.commands.manual import Page, all_pages

PAGES = all_pages()


def rendered(source: str) -> str:
    groff = program("groff")
    command = [groff, "-man", "-ww", "-Tascii", "-P-cbou", "-rLL=80n"]
    done = subprocess.run(
        command, input=source, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_its_sections_and_groff_finds_nothing(name: str) -> None:
    text = rendered(PAGES[name])
    program = name.removesuffix(".1")
    assert re.search(rf"^NAME\n +{program} +- +\w", text, re.MULTILINE)
    for section in ("SYNOPSIS", "DESCRIPTION", "EXIT STATUS", "SEE ALSO"):
        assert f"\n{section}\n" in text


def test_every_program_has_a_page() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {f"{program}.1" for program in project["scripts"]} <= set(PAGES)


def test_see_also_names_pages_that_there_are() -> None:
    for text in PAGES.values():
        plain = text.replace("\\-", "-")
        for named in re.findall(r"\b(dock(?:er|cred)[\w-]*)\(1\)", plain):
            assert f"{named}.1" in PAGES


def test_what_roff_would_take_for_its_own_stays_text() -> None:
    page = Page("x-y", "1", "s")
    page.paragraph(".so /etc/shadow")
    page.as_it_is(["'quoted' \\fBnot bold\\fR -- `x`"])
    text = rendered(str(page))
    assert ".so /etc/shadow" in text
    assert "'quoted' \\fBnot bold\\fR -- `x`" in text


def test_the_command_writes_them_all(helper_bin: Path, tmp_path: Path) -> None:
    place = tmp_path / "share/man1"
    subprocess.run([helper_bin / "dockcred", "manual", place], check=True)
    assert {path.name for path in place.iterdir()} == set(PAGES)
