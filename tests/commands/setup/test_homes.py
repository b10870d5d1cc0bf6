"""`dockcred setup` in eight homes: after this one command the pulls work.

With a real terminal, real clients, registries and keychains. The cloud is the sandbox
under the clouds' real names.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from real.registry import GITHUB_HOST

from .homes import Home
from .person import Person, changed, is_file

pytestmark = pytest.mark.slow
WIDE = 400  # no line of a plan is folded there
_STEP_KEYS = {"do", "what", "where", "why"}
_REGISTRY_KEYS = {"registry", "helper", "identity", "source"}
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
# Files that `--undo` needs, backups and lock files: none belongs to the person.
_OURS = re.compile(r"\.dockcred-undo$|\.before-dockcred$|\.dockcred\.lock$|/dockcred/")


def plain(text: str) -> str:
    """Return a terminal's text without escape sequences, on one line."""
    return " ".join(_ESCAPES.sub("", text).split())


def unplanned(person: Person, names: list[str], plan: dict[str, Any]) -> list[str]:
    """Return the files that no step names, by path or as programs of a directory."""
    paths = [name.replace("~", str(person.home), 1) for name in names]
    told = set()
    for step in plan["steps"]:
        there = [path for path in paths if path.rpartition("/")[0] == step["where"]]
        first, _, others = step["what"].partition(" and ")
        if there and f"{step['where']}/{first}" in there:
            assert others == f"{len(there) - 1} others", (step, there)
            told.update(there)
        told.add(step["where"])
    return sorted(set(paths) - told)


def written(home: Home, before, after) -> list[str]:
    """Return the files that were made, removed or changed, without those for undo."""
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
    assert unplanned(person, written(home, before, after), plan) == [], plan["steps"]
    for step in plan["steps"]:
        assert step["where"] in plain(shown)
        assert step["what"] in plain(shown)
    for client, image in home.pulls:
        person.pulled(client, image)
    for secret in home.moved:
        assert secret not in _all_text(person)
    # A second run finds all in order, and writes nothing.
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


@pytest.mark.parametrize("home", ["nothing", "azure-vm"], indirect=True)
def test_a_login_without_a_keychain_is_still_kept_and_used(
    home: Home, cloud_desk, image: str
) -> None:
    """Without a keychain `docker login` must still work, as it did before setup."""
    person = home.person
    # docker takes these helpers for a keychain even if `pass` or D-Bus is missing.
    person.without("docker-credential-pass", "docker-credential-secretservice")
    done = person.setup("--yes", *home.hosts)
    assert done.returncode == 0, done.stdout + done.stderr
    person.refused("docker", f"{GITHUB_HOST}/{image}")
    token = cloud_desk.ask("github-token")["token"]
    login = ("login", "--username", "ada", "--password-stdin", GITHUB_HOST)
    logged_in = person.run("docker", *login, stdin=token)
    assert logged_in.returncode == 0, logged_in.stdout + logged_in.stderr
    person.pulled("docker", f"{GITHUB_HOST}/{image}")


def _all_text(person: Person) -> str:
    """Return the text of all files of the home."""
    texts = [
        path.read_bytes().decode(errors="replace")
        for path in person.home.rglob("*")
        if path.is_file() and not path.is_symlink()
    ]
    return "\n".join(texts)
