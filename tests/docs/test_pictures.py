"""README's pictures: drawn from real runs, whole, and without anything to hide."""

from __future__ import annotations

import html
import importlib.util
import re
import shlex
import xml.etree.ElementTree as ET
from functools import cache
from types import ModuleType

import click
import pytest
from support.documents import ROOT
from support.real import program

from dockcred.commands import main

PLACE = ROOT / "docs/pictures"
FILES = sorted(path.name for path in PLACE.glob("*.svg"))
_TEXT = re.compile(r'<text class="[^"]*" x="([\d.]+)" y="([\d.]+)"[^>]*>(.*?)</text>')


@cache
def script() -> ModuleType:
    """Return the module that draws the pictures."""
    path = ROOT / "docs/generate/pictures.py"
    spec = importlib.util.spec_from_file_location("pictures", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def words(svg: str) -> str:
    """Return a picture's text in one line, each of its lines from left to right."""
    lines: dict[float, list[tuple[float, str]]] = {}
    for x, y, text in _TEXT.findall(svg):
        lines.setdefault(float(y), []).append((float(x), html.unescape(text)))
    found = ("".join(text for _, text in sorted(lines[y])) for y in sorted(lines))
    return " ".join(" ".join(found).split())


def drawn(name: str) -> str:
    return (PLACE / name).read_text(encoding="utf-8")


def test_every_picture_that_is_drawn_is_there_and_shown() -> None:
    assert sorted(script().PICTURES) == FILES
    readme = (ROOT / "README.md").read_text()
    for name in FILES:
        assert re.search(rf"!\[[^\]]+\]\(docs/pictures/{name}\)", readme), name


@pytest.mark.parametrize("name", FILES)
def test_a_picture_is_whole_and_fetches_nothing(name: str) -> None:
    svg = drawn(name)
    ET.fromstring(svg)
    assert "@font-face" not in svg
    assert not re.search(r"(?:href|src|url)\s*[=(]\s*[\"']?https?:", svg)
    assert len(svg) < 40_000


@pytest.mark.parametrize("name", FILES)
def test_a_picture_shows_no_secret_and_no_place_of_the_machine_that_drew_it(
    name: str,
) -> None:
    svg = drawn(name)
    for hidden in ("hidden", "aGlkZGVu", "not-a-key", "/tmp", "127.0.0.1"):
        assert hidden not in svg


def test_what_the_pictures_tell_to_run_can_be_run() -> None:
    """This includes a command that a picture shows as a remedy."""
    said = words(drawn("doctor.svg"))
    remedy = re.search(r"run: (dockcred .*? --profile \w+)", said)
    assert remedy, said
    for text in (remedy[1], "dockcred setup --dry-run"):
        command, given = main, shlex.split(text)[1:]
        context = click.Context(command)
        while isinstance(command, click.Group):
            command = command.get_command(context, given.pop(0))
        command.make_context("x", given)


KEPT = {
    "pull.svg": (
        "no basic auth credentials $ dockcred setup",
        "Proof ✓ 123456789012.dkr.ecr.eu-west-1.amazonaws.com works: as AWS",
        "Status: Downloaded newer image for 123456789012.dkr.ecr",
    ),
    "setup.svg": ("Here", "Plan 1. install", "Then", "keychain:vault"),
    "doctor.svg": ("broken: ", "run: dockcred configure identity", "breaks here"),
}


def test_the_first_pull_is_refused_and_the_same_pull_succeeds() -> None:
    """Between them is one command, and nothing is shown after the second."""
    first, setup, second = re.findall(r"\$ (\w+ \S+)", words(drawn("pull.svg")))
    assert (first, setup, second) == ("docker pull", "dockcred setup", "docker pull")
    typed = re.findall(r"\$ docker pull (\S+)", words(drawn("pull.svg")))
    assert len(set(typed)) == 1
    refused, _, pulled = words(drawn("pull.svg")).partition("$ dockcred")
    assert "Error response" in refused
    assert "Error" not in pulled


@pytest.mark.slow
@pytest.mark.parametrize("name", KEPT)
def test_a_run_of_today_shows_what_the_picture_does(name: str, monkeypatch) -> None:
    for client in ("docker", "podman"):
        program(client)
    today = words(script().PICTURES[name]())
    for said in KEPT[name]:
        assert said in words(drawn(name)), said
        assert said in today, f"{said}: run make pictures"
