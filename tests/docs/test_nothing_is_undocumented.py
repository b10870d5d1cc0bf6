"""Every program, command, option, variable and error is on some page."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator

import click
import pytest
from support.documents import ROOT, blocks, pages

from dockcred.commands import main
from dockcred.system.environment import meanings

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
README = (ROOT / "README.md").read_text()
EVERYTHING = "\n".join(page.read_text() for page in pages())
LINK = re.compile(r"\]\((?!\w+:)([^)#]+)(?:#[^)]*)?\)")


def commands(
    command: click.Command = main, words: tuple[str, ...] = ("dockcred",)
) -> Iterator[tuple[str, click.Command]]:
    """Yield every command of `dockcred`, with the words that call it."""
    yield " ".join(words), command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            if not below.hidden:
                yield from commands(below, (*words, name))


COMMANDS = dict(commands())


@pytest.mark.parametrize("program", PROJECT["scripts"])
def test_the_readme_lists_every_program(program: str) -> None:
    assert f"| `{program}` |" in README


@pytest.mark.parametrize("extra", PROJECT["optional-dependencies"])
def test_a_page_tells_of_every_extra(extra: str) -> None:
    assert re.search(rf"`{extra}`|dockcred\[[\w,-]*\b{extra}\b", EVERYTHING)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_page_tells_of_every_command(name: str) -> None:
    words = name.split()
    parent, last = " ".join(words[:-1]), words[-1]
    together = rf"{parent} [\w|-]*\b{last}\b" if parent else last
    assert re.search(together, EVERYTHING), f"{name} is in no page"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_says_what_it_does_and_a_command_shows_examples(name: str) -> None:
    command = COMMANDS[name]
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.opts[0]} has no help"
    if not isinstance(command, click.Group):
        assert "Examples:" in (command.epilog or ""), f"{name} shows no example"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_page_tells_of_every_option(name: str) -> None:
    """The manual has all options; these must be on the pages too."""
    for parameter in COMMANDS[name].params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            said = [option for option in parameter.opts if option in EVERYTHING]
            assert said, f"{name} {parameter.opts} is in no page"


def test_every_variable_of_ours_has_a_meaning_and_no_other_has() -> None:
    """DOCKCRED_SERVICE_ACCOUNT is no environment variable: it is in a cache key."""
    text = "\n".join(
        path.read_text()
        for place in ("common", "helpers")
        for path in (ROOT / place).rglob("*")
        if path.suffix in {".py", ".sh"}
        and (path.parent.name != "environment" or path.name == "children.py")
    )
    heard = set(re.findall(r"(?<![\w_])DOCKCRED_[A-Z][A-Z_]*[A-Z]\b", text))
    assert heard - {"DOCKCRED_SERVICE_ACCOUNT"} == set(meanings.ALL)


def test_the_readme_gives_the_variables_the_meaning_of_the_manual() -> None:
    rows = dict(re.findall(r"^\| `(DOCKCRED_\w+)` \| (.*) \|$", README, re.MULTILINE))
    assert len(rows) > 5
    plain = {name: meaning.replace("`", "") for name, meaning in rows.items()}
    assert plain == {name: meanings.ALL[name] for name in rows}


def test_the_pages_made_from_the_code_are_fresh() -> None:
    """docs/errors.md and docs/variables.md: `make docs` writes them."""
    check = [sys.executable, "docs/generate", "--check"]
    done = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_link_leads_somewhere() -> None:
    for page in pages():
        for target in LINK.findall(page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_page_is_reached_from_the_readme() -> None:
    reached, left = set(), [ROOT / "README.md"]
    while left:
        page = left.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        left += [
            (page.parent / link).resolve() for link in LINK.findall(page.read_text())
        ]
    assert {page for page in pages() if page.parent == ROOT / "docs"} <= reached


@pytest.mark.parametrize("block", blocks("json"), ids=str)
def test_json_is_json(block) -> None:
    json.loads(block.text)


@pytest.mark.parametrize("block", blocks("toml"), ids=str)
def test_toml_is_toml(block) -> None:
    tomllib.loads(block.text)
