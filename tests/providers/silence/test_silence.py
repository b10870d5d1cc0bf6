"""Without a metadata service, helpers wait once a minute; on a laptop never."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.real import missing, program, require, require_own_mounts, require_root

from . import laptop, note_ends, told_again
from .laptop import LEFT_OUT

pytestmark = pytest.mark.slow  # as a whole too long for `make test`
TESTS = Path(__file__).parents[2]
LIMIT_S = 120


@pytest.fixture(scope="module", autouse=True)
def own_network() -> None:
    """Require a network that drops packets, and mounts over /proc and /sys."""
    require_root("a network of one's own")
    require_own_mounts()
    program("ip")
    require("unshare", "--net", "ip", "link", "add", "type", "veth")


def play(module: str, scene: str, *places: Path) -> None:
    alone = ("unshare", "--net", "--mount", "--uts")
    done = subprocess.run(
        [*alone, sys.executable, "-m", f"providers.silence.{module}", scene, *places],
        cwd=TESTS,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    if why := done.stderr.partition(LEFT_OUT)[2].strip():
        missing(why)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("scene", laptop.SCENES)
def test_on_a_machine_whose_packets_vanish(scene, helper_bin, tmp_path):
    play("laptop", scene, helper_bin, tmp_path)


@pytest.mark.parametrize("scene", told_again.SCENES)
def test_a_launcher_tells_it_again(scene, helper_bin, tmp_path):
    play("told_again", scene, helper_bin, tmp_path)


@pytest.mark.parametrize("scene", note_ends.SCENES)
def test_a_note_ends(scene, helper_bin, tmp_path):
    play("note_ends", scene, helper_bin, tmp_path)
