"""`dockcred setup` and its `--undo` are stopped at each call that changes a file.

They are stopped by kill -9 and by Ctrl-C. Each file must then be the old or the new
one. The next run, which has the same pid, must complete and remove all leftovers. An
undo must restore what was there before the killed run.

With DOCKCRED_NIGHT=1 they are stopped at every point, else at some, picked by a seed
that a failure prints: DOCKCRED_SEED=N picks the same ones again.
"""

from __future__ import annotations

import base64
import json
import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from failures.every_call.points import HEADING
from failures.every_call.world import World
from real.registry import ACCOUNT_HOST
from support.starting import Table, process_table

from dockcred.testing.sandbox import Sandbox

from .kills import Loop, Machine

pytestmark = pytest.mark.slow

NIGHT = bool(os.environ.get("DOCKCRED_NIGHT"))
SEED = int(os.environ.get("DOCKCRED_SEED") or random.randrange(2**32))
SOME = 0 if NIGHT else 4
SETUP_POINTS, UNDO_POINTS = 200, 100
SECRET = "hunter2-in-the-clear"
AUTH = base64.b64encode(f"ada:{SECRET}".encode()).decode()
_MEMORY = "/dev/shm"
# No registry listens on these hosts, so the proof of each ends at once with an error.
_MOUNTED = """\
mount --bind "$0/local" /usr/local/bin && mount --bind "$0/hosts" /etc/hosts && exec "$@"
"""
_NOBODY_S = "localhost r.example quay.example charts.example"
_HOSTS = f"127.0.0.1 {_NOBODY_S} {ACCOUNT_HOST}"
# Stubs, so that setup does not ask the machine's real clients for their images.
_STUBS = ("docker", "podman")


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    memory = _MEMORY if os.access(_MEMORY, os.W_OK) else None
    path = Path(tempfile.mkdtemp(prefix="dc-", dir=memory))
    for name in ("world", "local", "key", "table"):
        (path / name).mkdir(mode=0o700)
    (path / "hosts").write_text(f"{_HOSTS}\n")
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def table(place: Path) -> Iterator[Table]:
    first = ("sh", "-c", _MOUNTED, str(place))
    with process_table(place / "table", *first) as found:
        yield found


@pytest.fixture(scope="module")
def cloud() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def machine(place: Path, table: Table, cloud: Sandbox) -> Machine:
    """A home with files of three clients with logins, an AWS profile and a vault."""
    home, local = World(place / "world"), World(place / "local")
    for world in (home, local):
        for path in world.path.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for name in _STUBS:
        local.write(name, "#!/bin/sh\nexit 1\n", 0o755)
    cloud_variables = cloud.aws.environment(
        "sso", home=home.home, url=cloud.url, tls=False
    )
    auths = {"auths": {"r.example": {"auth": AUTH}}}
    docker = json.dumps(auths | {"psFormat": "table"}, indent="\t") + "\n"
    home.write("home/.docker/config.json", docker, 0o644)
    podman = {"auths": {"quay.example": {"auth": AUTH}}}
    home.write("home/.config/containers/auth.json", json.dumps(podman))
    helm = {"auths": {"charts.example": {"auth": AUTH}}}
    home.write("home/.config/helm/registry/config.json", json.dumps(helm))
    key = place / "key/key"
    key.unlink(missing_ok=True)
    environment = cloud_variables | {
        "HOME": str(home.home),
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "DOCKCRED_STORE": "vault",
        "DOCKCRED_VAULT_FILE": f"{home.path}/vault/vault",
        "DOCKCRED_VAULT_KEY_FILE": str(key),
        "DOCKCRED_REFRESH": "off",
        "DOCKCRED_TIMEOUT": "30",
    }
    secrets = (SECRET.encode(), AUTH.encode())
    made = Machine(table, home, local, environment, secrets)
    made.succeed(("vault", "create", "--key-file", str(key)))
    return made


@pytest.mark.parametrize("signal", ["KILL", "INT"])
@pytest.mark.parametrize("undo", [False, True], ids=["setup", "undo"])
def test_it_is_stopped_at_every_change(
    machine: Machine, tell, signal: str, *, undo: bool
) -> None:
    killed = Loop(machine, undo=undo, signal=signal).run(SOME, SEED)
    tell(HEADING, str(killed))
    assert killed.found >= (UNDO_POINTS if undo else SETUP_POINTS)
    problems = "\n".join(killed.problems[:20])
    assert not killed.problems, f"{killed}, DOCKCRED_SEED={SEED}\n{problems}"
    assert killed.held >= killed.missed * 4, "the runs differ too much"
