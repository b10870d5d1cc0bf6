"""The time of a far side's cache hit and of a local one by Python, taken by turns."""

from __future__ import annotations

import statistics
import subprocess
from pathlib import Path

import pytest
from support.program import HOST, Program

from .near import Near

ROUNDS = 25
MOST = 1.3


@pytest.mark.slow
@pytest.mark.alone
def test_a_far_hit_takes_little_more_than_a_local_one(near: Near, ecr: Program) -> None:
    assert ecr.get(near.environment).status == near.ask("get").status == 0
    ratios = []
    for _ in range(3):  # the machine may be busy: the best of three counts
        taken: dict[str, list[float]] = {"local": [], "far": []}
        for _ in range(ROUNDS):
            taken["local"].append(ecr.get(near.environment).seconds)
            far = near.ask("get", program="docker-credential-ecr-login")
            taken["far"].append(far.seconds)
        local, far_s = (statistics.median(taken[name]) for name in ("local", "far"))
        ratios.append(far_s / local)
        print(f"local {local * 1e3:.1f} ms, far {far_s * 1e3:.1f} ms: {ratios[-1]:.2f}")
        if ratios[-1] <= MOST:
            break
    assert min(ratios) <= MOST


_LOADED = "import sys; print(*sys.modules, sep='\\n', file=sys.stderr)"


def test_the_far_side_imports_no_identity_and_nothing_heavy(
    near: Near, helper_bin: Path
) -> None:
    """No provider, cache or router; and not even Python's module `socket`."""
    code = (
        "import os, sys; os._exit = sys.exit\n"
        "from docker_credential_auto import main\n"
        "try: main()\n"
        f"finally: {_LOADED}"
    )
    done = subprocess.run(
        [helper_bin / "python", "-c", code, "get"],
        env=near.far,
        input=HOST.encode(),
        capture_output=True,
        check=False,
    )
    loaded = set(done.stderr.decode().splitlines())
    assert "dockcred.stores.forwarded" in loaded, done
    heavy = {
        *("dockcred.identity.router", "dockcred.identity.store", "dockcred.providers"),
        *("dockcred.clients", "json", "socket", "ssl", "asyncio", "re", "subprocess"),
    }
    bare = subprocess.run(
        [helper_bin / "python", "-c", _LOADED], capture_output=True, check=True
    )
    assert not heavy & (loaded - set(bare.stderr.decode().splitlines()))
