"""If a program exists and may not be executed, the error says so, for every caller.

For gpg, pass and docker's own helpers see tests/stores/test_pass_and_its_keys.py.
"""

from __future__ import annotations

import sys

import pytest

from dockcred.commands.exec_ import carried
from dockcred.commands.refresh.command import CommandDestination
from dockcred.errors import DockcredError
from dockcred.providers.github import gh
from dockcred.providers.google import logins
from dockcred.providers.oidc.machine import Buildkite, CircleCI
from dockcred.stores.external import External
from dockcred.system import log
from dockcred.system.environment import Environment

SEEKERS = {
    "gh": lambda seen: gh._from_gh("github.com", seen, "in a keychain"),
    "circleci": lambda seen: CircleCI(seen)._find(),
    "buildkite-agent": lambda seen: Buildkite(seen)._find(),
    "render-hook": lambda _: CommandDestination(("render-hook",)).deliver(b"", None),
    "docker-credential-auto": carried.path,
    "docker-credential-other": lambda seen: External("helper:other", seen).list(),
}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Return the only directory on PATH, which is not near this Python."""
    found = tmp_path / "shared"
    found.mkdir()
    monkeypatch.setenv("PATH", str(found))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(sys, "argv", ["dockcred"])
    monkeypatch.setattr(sys, "path", [])
    return found


def seen(place, **more):
    return Environment({"PATH": str(place), "HOME": str(place), **more})


@pytest.mark.parametrize("name", SEEKERS)
def test_a_program_that_everybody_could_have_written_is_refused(place, name):
    (place / name).write_text("#!/bin/sh\n")
    (place / name).chmod(0o755)
    place.chmod(0o777)
    with pytest.raises(DockcredError) as told:
        SEEKERS[name](seen(place))
    assert f"{place}/{name} is not run, because everybody" in str(told.value)
    assert f"chmod o-w {place}" in str(told.value)


@pytest.mark.parametrize("name", SEEKERS)
def test_a_program_that_may_not_be_executed_is_no_missing_one(place, name):
    (place / name).write_text("")
    with pytest.raises(DockcredError, match="may not be executed; run 'chmod \\+x"):
        SEEKERS[name](seen(place))


@pytest.mark.parametrize("name", SEEKERS)
def test_a_program_that_is_missing_is_told_as_missing(place, name):
    with pytest.raises(DockcredError) as told:
        SEEKERS[name](seen(place))
    assert "PATH" in str(told.value) or "not installed" in str(told.value)
    assert "is not run" not in str(told.value)


def test_gcloud_is_passed_over_with_the_cause(place, monkeypatch):
    said = []
    monkeypatch.setattr(log, "warning", said.append)
    (place / "gcloud").write_text("#!/bin/sh\n")
    (place / "gcloud").chmod(0o755)
    place.chmod(0o777)
    told = {"CLOUDSDK_CORE_ACCOUNT": "who@example.com"}
    assert logins.find(seen(place, **told)) is None
    assert f"{place}/gcloud is not run" in "".join(said)
