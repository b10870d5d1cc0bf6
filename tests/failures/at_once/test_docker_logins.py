"""One `docker login` after another, while we change the same config.json."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from pathlib import Path

import pytest
from support.starting import Start

from dockcred.stores.vault import Vault
from dockcred.system.environment import Environment

from .conftest import PASSWORD, USER

NIGHT = bool(os.environ.get("DOCKCRED_NIGHT"))
LOGINS = 200 if NIGHT else 25
KEPT = "kept.example"


class Logins:
    """Runs docker's own client for logins, and keeps those that succeeded."""

    def __init__(self, environment: dict[str, str], port: int) -> None:
        self.acknowledged: list[str] = []
        self.refused: list[str] = []
        self._environment = environment
        self._port = port
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()

    @property
    def are_over(self) -> bool:
        return not self._thread.is_alive()

    def _run(self) -> None:
        for number in range(LOGINS):
            host = f"127.0.{number // 250}.{number % 250 + 2}:{self._port}"
            done = subprocess.run(
                ["docker", "login", "-u", USER, "--password-stdin", host],
                input=PASSWORD.encode(),
                env=self._environment,
                capture_output=True,
                check=False,
            )
            if done.returncode == 0:
                self.acknowledged.append(host)
            else:
                self.refused.append(done.stderr.decode())


@pytest.fixture
def config(home: Path) -> Path:
    file = home / ".docker/config.json"
    file.parent.mkdir(mode=0o700)
    # Without an entry docker would choose a credential store by itself.
    file.write_text(json.dumps({"auths": {KEPT: {}}}))
    file.chmod(0o600)
    return file


def test_no_login_and_no_helper_is_lost_while_configure_writes(
    crowd, environment, config, registry_port
):
    def change(number: int) -> Start:
        words = ("docker", "--registry", f"r{number}.example", "--helper", "keyring")
        return Start("dockcred", ("configure", *words), environment)

    crowd.learn(change(0))
    acknowledged = {"r0.example"}
    number = 0
    with Logins(environment, registry_port) as logins:
        while not logins.are_over:
            number += 1
            if crowd.run_together([change(number)])[0].status == 0:
                acknowledged.add(f"r{number}.example")
    found = json.loads(config.read_text())
    assert not logins.refused
    lost = [host for host in logins.acknowledged if host not in found["auths"]]
    assert lost == [], f"{len(lost)} of {LOGINS} logins"
    gone = acknowledged - set(found["credHelpers"])
    assert gone == set(), f"{len(gone)} of {len(acknowledged)} helpers"


def test_no_login_is_lost_while_import_removes(
    crowd, environment, config, registry_port, home: Path
):
    """Each login is in the file or in the vault; at the end none is in the file."""
    environment |= {
        "DOCKCRED_STORE": "vault",
        "DOCKCRED_VAULT_FILE": f"{home}/vault",
    }
    made = ("vault", "create", "--key-file", f"{home}/key")
    assert crowd.learn(Start("dockcred", made, environment)).status == 0
    moving = Start("dockcred", ("import", "docker", "--remove"), environment)
    crowd.learn(moving)
    moves = 0
    with Logins(environment, registry_port) as logins:
        while not logins.are_over:
            moves += crowd.run_together([moving])[0].status == 0
    assert not logins.refused
    assert moves
    kept = Vault(Environment(environment)).users()
    there = json.loads(config.read_text()).get("auths", {})
    lost = [h for h in logins.acknowledged if h not in kept and h not in there]
    assert lost == [], f"{len(lost)} of {LOGINS} logins"
    assert crowd.run_together([moving])[0].status == 0
    assert json.loads(config.read_text())["auths"] == {KEPT: {}}
    assert len(Vault(Environment(environment)).users()) == LOGINS
