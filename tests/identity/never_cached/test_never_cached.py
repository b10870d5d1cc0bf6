"""After any actions in any order, cache and front answer as if there were no cache.

The only difference is the lease of a machine's identity (docs/security.md). The short
form plays a fixed seed and a new one; with DOCKCRED_NIGHT they make 100,000 steps.
To repeat a difference from its seed:

    PYTHONPATH=tests unshare --mount --uts \\
        python -m identity.never_cached.play SEED STEPS --own --shrink
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from . import scenes
from .places import command

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="to be one user after another needs root"
)
TESTS = Path(__file__).parents[2]
NIGHT = bool(os.environ.get("DOCKCRED_NIGHT"))
STEPS = 50_000 if NIGHT else 1_000
LIMIT_S = 4 * 3600 if NIGHT else 900
SEEDS = {"always the same": 20_261_128, "new": secrets.randbelow(1_000_000)}


def _play(*words: str) -> subprocess.CompletedProcess[str]:
    """Play in its own process, since it changes variables, user and mounts."""
    ground = command()
    return subprocess.run(
        [
            *(*ground, sys.executable, "-m", "identity.never_cached.play"),
            *(*words, *(["--own"] if ground else [])),
        ],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        cwd=TESTS,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


@pytest.mark.parametrize("scene", scenes.SCENES)
def test_what_chooses_the_answer_is_seen_to_change(scene) -> None:
    """Each scene is a difference that was found once, or a similar case."""
    done = _play(scene)
    assert done.returncode == 0, done.stdout + done.stderr
    if why := done.stdout.partition("left out: ")[2].strip():
        pytest.skip(why)


@pytest.mark.parametrize("which", SEEDS)
def test_a_cache_is_not_noticed_but_by_its_speed(which) -> None:
    """At least STEPS steps, with answers in each way, have no difference."""
    done = _play(str(SEEDS[which]), str(STEPS))
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 differences" in done.stdout
    for way in ("python, plain", "python, launched", "front in"):
        assert f"answered by {way}" in done.stdout
