"""Many logins into `pass` at once: each registry keeps only its last login."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from support.real import program
from support.starting import Start

NIGHT = bool(os.environ.get("DOCKCRED_NIGHT"))
SERVERS = 50 if NIGHT else 8
KEYRING = "docker-credential-keyring"


@pytest.fixture
def password_store(home: Path, environment):
    """Initialise `pass` with a key without a passphrase."""
    for name in ("gpg", "gpgconf", "pass"):
        program(name)
    (home / ".gnupg").mkdir(mode=0o700)
    environment |= {"DOCKCRED_STORE": "pass"}
    try:
        for command in (
            ["gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key",
             "test@example.invalid", "default", "default", "never"],
            ["pass", "init", "test@example.invalid"],
        ):  # fmt: skip
            subprocess.run(command, env=environment, capture_output=True, check=True)
        yield environment
    finally:
        subprocess.run(["gpgconf", "--kill", "all"], env=environment, check=False)


def test_two_logins_each_at_once_leave_one_password_each(crowd, password_store, home):
    """Two users log in to each registry at the same moment: the later one is kept."""

    def login(number: int, user: str) -> Start:
        said = {"ServerURL": f"r{number}.io", "Username": user, "Secret": f"of {user}"}
        text = json.dumps(said).encode()
        return Start(KEYRING, ("store",), password_store, text)

    users = ("anna", "bert")
    crowd.learn(login(0, "anna"))
    both = [login(number, user) for number in range(SERVERS) for user in users]
    ended = crowd.run_together(both)
    assert not [end.stdout for end in ended if end.status]
    folder = home / ".password-store/docker-credential-helpers"
    for number in range(SERVERS):
        asked = Start(KEYRING, ("get",), password_store, f"r{number}.io".encode())
        (answer,) = crowd.run_together([asked])
        said = json.loads(answer.stdout)
        assert said["Secret"] == f"of {said['Username']}"
    kept = sorted(path.parent.name for path in folder.rglob("*.gpg"))
    assert len(kept) == len(set(kept)) == SERVERS
