"""No code path of ours may grow by a tenth, in instructions, which do not vary.

The stored counts are valid for one build of Python and one system's libraries. `python
-m bench.instructions --save` stores those of another.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.differential import NIGHT
from support.real import program

REPOSITORY = Path(__file__).resolve().parents[2]
# By day only the Python that most machines have: each takes a minute of processor time.
PYTHONS = ("/usr/bin/python3", sys.executable) if NIGHT else ("/usr/bin/python3",)
PATHS = (
    "front hit",
    "front hit, token",
    "cached hit",
    "cached hit, counted",
    "cached hit, auto",
    "cold get",
    "cold get, auto",
    "cold get, ACR",
    "silent get",
)
ROOM = 1.10


@pytest.fixture(scope="module", params=PYTHONS)
def measured(request) -> dict[str, dict[str, object]]:
    """Return the counts of the paths under one interpreter, each with its build."""
    program("valgrind")
    program(request.param)
    argv = [sys.executable, "-m", "bench.instructions", "--json", "--python"]
    done = subprocess.run(
        [*argv, request.param],
        cwd=REPOSITORY,
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    if done.returncode == 3:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("path", PATHS)
def test_a_path_costs_what_it_did(measured, path):
    if path not in measured:
        pytest.skip(f"{path} is not counted here: a network of one's own is needed")
    figure = measured[path]
    stored = json.loads((REPOSITORY / "bench/instructions.json").read_text())
    before = stored[path].get(figure["build"])
    if before is None:
        pytest.skip(f"no figure is stored for {figure['build']}")
    assert figure["million"] <= before * ROOM, (
        f"{path}: {figure['million']} M instructions, and {before} M when it was stored"
    )


def test_the_front_is_a_tenth_of_python(measured):
    """True on any build: this is why there is a front (the launcher's sh part)."""
    assert measured["front hit"]["million"] < measured["cached hit"]["million"] / 10


def test_nobody_again_is_told_before_a_module_of_ours_is_loaded(measured):
    """True on any build: it costs much less than a hit that Python answers."""
    if "silent get" not in measured:
        pytest.skip("not counted here: a network of one's own is needed")
    assert measured["silent get"]["million"] < measured["cached hit"]["million"] * 0.7


def test_auto_costs_what_the_registry_s_own_helper_costs(measured):
    """True on any build: no code of other providers is loaded."""
    for path, room in (("cached hit", 1.03), ("cold get", ROOM)):
        own, auto = (measured[name]["million"] for name in (path, f"{path}, auto"))
        assert auto <= own * room, f"{path}: {auto} M by auto, {own} M by itself"


def test_a_hit_imports_no_tls_and_no_json(measured):
    """True on any build: a hit costs much less than a cold get."""
    assert measured["cached hit"]["million"] < measured["cold get"]["million"] / 2
