"""Many `configure` and `configure --undo` at once, of several clients in one file."""

from __future__ import annotations

import json
import os
from pathlib import Path

from support.starting import Start

NIGHT = bool(os.environ.get("DOCKCRED_NIGHT"))
MANY = 100 if NIGHT else 30
ROUNDS = 5 if NIGHT else 1
BEFORE = '{\n\t"auths": {"r.example": {"auth": "dTpw"}},\n\t"psFormat": "é"\n}\n'


def configure(number: int, environment: dict[str, str], *more: str) -> Start:
    """Return a `configure` of docker, podman or nomad; all write the same file."""
    config = f"{environment['DOCKER_CONFIG']}/config.json"
    client = (("docker",), ("podman",), ("nomad", "--config", config))[number % 3]
    helper = ("keyring", "ecr-login", "auto")[number % 3]
    options = more or ("--registry", f"r{number}.example", "--helper", helper)
    return Start("dockcred", ("configure", *client, *options), environment)


def wanted(number: int) -> tuple[str, str]:
    return f"r{number}.example", ("keyring", "ecr-login", "auto")[number % 3]


def test_no_change_of_many_at_once_is_lost_and_undo_gives_all_back(
    crowd, environment, home: Path
):
    file = home / ".docker/config.json"
    file.parent.mkdir(mode=0o700)
    for _ in range(ROUNDS):
        file.write_text(BEFORE)
        file.chmod(0o600)
        crowd.learn(configure(0, environment, "--undo"))
        starts = [configure(number, environment) for number in range(MANY)]
        ended = crowd.run_together(starts)
        acknowledged = dict(
            wanted(number) for number, end in enumerate(ended) if end.status == 0
        )
        told = [end.stderr for end in ended if end.status]
        assert json.loads(file.read_text())["credHelpers"] == acknowledged, told
        # If all had failed nothing would be lost, so all must have succeeded.
        assert len(acknowledged) == MANY, told
        crowd.run_together([configure(n, environment, "--undo") for n in range(6)])
        assert file.read_text() == BEFORE
        assert sorted(path.name for path in file.parent.iterdir()) == ["config.json"]


def test_undo_amid_many_changes_leaves_a_file_that_says_all_that_came_after(
    crowd, environment, home: Path
):
    """What an undo has removed is gone; no other entry changes."""
    file = home / ".docker/config.json"
    file.parent.mkdir(mode=0o700)
    for _ in range(ROUNDS):
        file.write_text(BEFORE)
        crowd.learn(configure(0, environment))
        crowd.learn(configure(0, environment, "--undo"))
        starts = [configure(number, environment) for number in range(MANY)]
        starts[MANY // 2 : MANY // 2] = [configure(0, environment, "--undo")]
        ended = crowd.run_together(starts)
        assert not [end.stderr for end in ended if end.status]
        found = json.loads(file.read_text())
        assert found["auths"] == {"r.example": {"auth": "dTpw"}}
        every = dict(wanted(number) for number in range(MANY))
        assert found.get("credHelpers", {}).items() <= every.items()
        crowd.learn(configure(0, environment, "--undo"))
        assert file.read_text() == BEFORE
        assert sorted(path.name for path in file.parent.iterdir()) == ["config.json"]
