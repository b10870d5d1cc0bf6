"""How the doctor shows a request: its stages, where it breaks, in 80 columns."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from rich.text import Text
from support import terminal
from support.program import BUSY_S, Program
from support.real import require

from dockcred.clients.findings import error, fine, warning
from dockcred.clients.reference import Reference
from dockcred.commands.doctor import way
from dockcred.commands.doctor.verdict import Examination, FollowedRequest, Sent

from .machine import Machine

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
LONG = "a sentence of many words that go on and on, " * 4


def plain(lines: list[Text]) -> list[str]:
    return [line.plain for line in lines]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    made.program("bin/docker")
    made.variables["DOCKCRED_CACHE"] = "off"
    made.write_docker('{\n "credHelpers": {\n  "r.example": "mine"\n }\n}\n')
    return made


def stages(machine: Machine, name: str) -> list[str]:
    """Return the stages that are shown, in order; those after the break too."""
    shown = plain(list(way.lines(machine.follow(name))))
    below = shown[shown.index("") + 1 :] if "" in shown else shown
    found = (re.match(r"  . ([a-z]+) ", line) for line in below)
    return [each[1] for each in found if each]


def test_from_the_image_to_the_registry(machine: Machine) -> None:
    shown = "\n".join(plain(list(way.lines(machine.follow("r.example/team/app")))))
    order = ("image", "file", "helper", "cloud", "registry")
    places = [shown.index(f" {stage:9} ") for stage in order]
    assert places == sorted(places)
    assert "r.example/team/app" in shown
    assert 'line 3: credHelpers["r.example"] = mine' in shown
    assert f"{machine.path}/bin/docker-credential-mine" in shown


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ('{"credHelpers": {"r.example": "mine"}}', 'line 1: credHelpers["r.example"]'),
        ('{\n"auths": {"r.example": {}},\n"credsStore": "mine"}', "line 3: credsStore"),
        (
            '{"auths": {"r.example": {}},\n"CREDHELPERS": {\n"r.example": "mine"}}',
            'line 3: credHelpers["r.example"]',
        ),
    ],
)
def test_a_key_is_told_with_its_line(machine: Machine, content: str, line: str) -> None:
    machine.write_docker(content)
    assert any(line in found.text for found in machine.examine())


def test_an_identity_is_told_with_the_place_that_chose_it(machine: Machine) -> None:
    config = machine.path / "config.toml"
    config.write_text(f"\n[[registry]]\nmatch = '{HOST}'\nprofile = 'x'\n")
    config.chmod(0o600)
    machine.variables["DOCKCRED_CONFIG"] = str(config)
    (machine.path / "aws").write_text(
        "[x]\naws_access_key_id=A\naws_secret_access_key=B\n"
    )
    machine.variables["AWS_SHARED_CREDENTIALS_FILE"] = str(machine.path / "aws")
    machine.docker({"credsStore": "mine"})
    (told,) = (f for f in machine.examine(HOST) if f.step == "identity")
    assert f"({config}:2)" in told.text


def test_the_first_break_is_marked_and_what_is_behind_it_was_not_reached(
    machine: Machine,
) -> None:
    machine.docker({"credHelpers": {"r.example": "gone"}})
    shown = plain(list(way.lines(machine.follow())))
    (marked,) = (n for n, line in enumerate(shown) if "<- it breaks here" in line)
    assert any("✗ helper" in line for line in shown[: marked + 1])
    assert shown[marked + 1 :][:2] == [
        "    cloud     not reached",
        "    registry  not reached",
    ]


def test_nothing_that_works_is_marked(machine: Machine) -> None:
    shown = "\n".join(plain(list(way.lines(machine.follow()))))
    assert "it breaks here" not in shown
    assert "not reached" not in shown


def shown_of(*findings, width: int = way.WIDTH) -> list[str]:
    request = FollowedRequest("docker", findings, Sent("the user me"), counts=True)
    found = Examination(Reference("r.example"), [request], [], must_be_known=False)
    return plain(list(way.lines(found, width)))


@pytest.mark.parametrize("width", [80, 40])
def test_lines_are_folded_between_words(width: int) -> None:
    shown = shown_of(
        fine("file", LONG),
        error("answer", LONG, LONG),
        warning("PATH", LONG),
        width=width,
    )
    assert max(map(len, shown)) <= width
    joined = " ".join(" ".join(shown).split())
    assert joined.count("a sentence of many words that go on and on,") >= 4 * 4


def test_what_is_to_be_run_stays_on_one_line() -> None:
    command = "dockcred configure docker --registry " + "r" * 60 + " --helper x"
    shown = shown_of(
        error("answer", "it is broken", fix=command),
        error("registry", "so is this", f"log in, or {LONG} run: {command}"),
        warning("file", "and this", f"run one of: {command}; or: {command}"),
    )
    assert f"  run one of: {command}" in shown
    assert f"  or: {command}" in shown
    assert f"  run: {command}" in shown
    assert sum(line.strip() == f"run: {command}" for line in shown) == 2


def test_it_is_plain_without_colours_and_without_a_terminal(
    helper_bin: Path, machine: Machine
) -> None:
    dockcred = str(helper_bin / "dockcred")
    variables = machine.variables | {"TERM": "xterm-256color"}
    status, shown = terminal.run([dockcred, "doctor", "r.example"], variables)
    assert (status, "\x1b[32m✓" in shown) == (0, True)
    status, shown = terminal.run(
        [dockcred, "doctor", "r.example"], variables | {"NO_COLOR": "1"}
    )
    assert (status, "\x1b" in shown) == (0, False)
    assert "✓ works: docker shows r.example the user me" in shown
    piped = Program(dockcred)("doctor", "r.example", environment=variables)
    assert b"\x1b" not in piped.stdout
    for line in piped.stdout.decode().splitlines():
        assert len(line) <= way.WIDTH or " " not in line[14:].strip(), "one path alone"


def test_a_helper_is_asked_once_for_all_clients(machine: Machine) -> None:
    """The helper takes most of the doctor's time, so its calls are counted."""
    machine.program("bin/podman")
    text = '#!/bin/sh\nread -r key\necho "$key" >>{}\necho {}\n'
    answer = '\'{"Username":"me","Secret":"s3cr3t"}\''
    log = machine.path / "log"
    machine.program("bin/docker-credential-mine", text.format(log, answer))
    assert {r.client for r in machine.follow().requests} == {"docker", "podman"}
    assert log.read_text() == "r.example\n"


def test_without_a_network_nobody_is_asked_twice(
    helper_bin: Path, machine: Machine
) -> None:
    """Three attempts with their pauses would take more than a second."""
    require("unshare", "-n", "true")
    machine.docker({"credHelpers": {HOST: "ecr-login"}})
    variables = machine.variables | {
        "PATH": f"{helper_bin}:/usr/bin:/bin",
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "s3cr3t",
        "DOCKCRED_LOG": "debug",
    }
    done = subprocess.run(
        ["unshare", "-n", helper_bin / "dockcred", "doctor", HOST],
        env=variables,
        capture_output=True,
        text=True,
        timeout=BUSY_S,
        check=False,
    )
    assert done.returncode == 1
    assert "was not resolved" in done.stdout
    assert done.stderr.count("dockcred debug: POST") == 1
