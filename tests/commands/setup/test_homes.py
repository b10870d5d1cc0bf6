"""`dockcred setup` in eight homes: from what is there to the first pull by one command.

Under a real terminal, with real clients, registries and keychains; the cloud is the
sandbox's, called by its real names. Nothing but the command is done for it.
"""

from __future__ import annotations

import json
import re

import pytest

from .homes import Home
from .person import Person, changed, is_file

pytestmark = pytest.mark.slow
WIDE = 400  # no line of a plan is folded there
_STEP_KEYS = {"do", "what", "where", "why"}
_REGISTRY_KEYS = {"registry", "helper", "identity", "source"}
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
# What `--undo` needs, and what stands beside a file that we hold: none is the person's.
_OURS = re.compile(r"\.dockcred-undo$|\.before-dockcred$|\.dockcred\.lock$|/dockcred/")


def plain(text: str) -> str:
    """Return a terminal's text without its colours, and on one line."""
    return " ".join(_ESCAPES.sub("", text).split())


def is_planned(person: Person, name: str, steps: list[dict[str, str]]) -> bool:
    """Return whether a step names a file, or its directory and the file in it."""
    path = name.replace("~", str(person.home), 1)
    directory, _, base = path.rpartition("/")
    return any(
        step["where"] == path
        or (
            step["where"] == directory and base in step["what"].replace(",", "").split()
        )
        for step in steps
    )


def written(home: Home, before, after) -> list[str]:
    """Name the files that came, went or changed, but for what only an undo reads."""
    names = changed(before, after)
    both = before | after
    state = ("~/.local/state/",)
    return [
        name
        for name in names
        if is_file(both, name) and not name.startswith(state) and not _OURS.search(name)
    ]


def no_secret_in(home: Home, text: str) -> None:
    for secret in home.moved:
        assert secret not in text


def test_a_dry_run_says_all_and_changes_nothing(home: Home) -> None:
    before = home.person.tree()
    told = home.person.setup("--dry-run", *home.hosts)
    assert told.returncode == 0, told.stdout + told.stderr
    assert changed(before, home.person.tree()) == []
    plan = home.person.plan(*home.hosts)
    assert changed(before, home.person.tree()) == []
    assert not (home.person.home / ".cache").exists()
    assert plan.keys() >= {"steps", "registries", "questions"}
    for step in plan["steps"]:
        assert step.keys() >= _STEP_KEYS, step
        assert all(step[key] for key in ("do", "what", "why")), step
    for registry in plan["registries"]:
        assert registry.keys() >= _REGISTRY_KEYS, registry
    found = {each["registry"]: each for each in plan["registries"]}
    for host, part in home.identities.items():
        assert part in json.dumps(found[host]), found[host]
        assert host in plain(told.stdout)
    no_secret_in(home, told.stdout + told.stderr + json.dumps(plan))


def test_one_command_leads_to_the_first_pull(home: Home) -> None:
    person = home.person
    for client, image in home.pulls:
        if image not in home.open_before:
            person.refused(client, image)
    before = person.tree()
    plan = person.plan(*home.hosts)
    status, shown, asked = person.talk(*home.hosts, width=WIDE)
    assert status == 0, shown
    assert "Traceback" not in shown
    no_secret_in(home, shown)
    after = person.tree()
    if not home.finds_nothing:
        assert any("Go on?" in question for question in asked), shown
    for name in written(home, before, after):
        assert is_planned(person, name, plan["steps"]), (name, plan["steps"])
    for step in plan["steps"]:
        assert step["where"] in plain(shown)
        assert step["what"] in plain(shown)
    for client, image in home.pulls:
        person.pulled(client, image)
    for secret in home.moved:
        assert secret not in _all_text(person)
    # Again: all is in order, and nothing is written.
    after = person.tree()
    again = person.setup("--yes", *home.hosts)
    assert again.returncode == 0, again.stdout + again.stderr
    assert changed(after, person.tree()) == []


def test_an_undo_leaves_every_file_as_it_was(home: Home) -> None:
    person = home.person
    before, kept = person.tree(), person.keychain()
    done = person.setup("--yes", *home.hosts)
    assert done.returncode == 0, done.stdout + done.stderr
    person.pull(*home.pulls[0])
    status, shown, _ = person.talk("--undo", width=WIDE)
    assert status == 0, shown
    assert changed(before, person.tree()) == [], shown
    assert person.keychain() == kept
    for client, image in home.pulls:
        if image in home.open_before:
            person.pulled(client, image)
        else:
            person.refused(client, image)
    again = person.setup("--undo", "--yes")
    assert again.returncode == 0, again.stdout + again.stderr
    assert changed(before, person.tree()) == []


def test_without_a_terminal_or_a_yes_nothing_changes(home: Home) -> None:
    person = home.person
    before = person.tree()
    plan = person.plan(*home.hosts)
    if plan["steps"]:
        done = person.setup(*home.hosts)
        assert done.returncode == 1, done.stdout
        assert "--yes" in done.stdout + done.stderr
        assert changed(before, person.tree()) == []
        for answer in ("n\r", "\x03", "\x04"):
            status, shown, _ = person.talk(*home.hosts, answers={"Go on?": answer})
            assert "Traceback" not in shown
            assert changed(before, person.tree()) == [], (answer, status, shown)


def _all_text(person: Person) -> str:
    """Return all that stands in the home's files."""
    texts = [
        path.read_bytes().decode(errors="replace")
        for path in person.home.rglob("*")
        if path.is_file() and not path.is_symlink()
    ]
    return "\n".join(texts)
