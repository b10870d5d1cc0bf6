"""kill -9 while a file is written, then the same command with the same pid.

In a container every run has the same pid. A leftover of a killed run must not disturb
others. It may have a secret, so the next run must remove it.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.program import BUSY_S

pytestmark = pytest.mark.slow  # as a whole too long for `make test`

# Run one of our programs with the same pid as every run; kill it in its n-th os.CALL.
RUN = """
import os, signal, sys

pid, call, number = os.getpid(), sys.argv[1], int(sys.argv[2])
os.getpid = lambda: 7
if number:
    real = getattr(os, call)
    def fatal(*arguments, **named):
        global number
        number -= 1
        if not number:
            os.kill(pid, signal.SIGKILL)
        return real(*arguments, **named)
    setattr(os, call, fatal)
sys.argv[:] = ["dockcred", *sys.argv[3:]]
from dockcred.commands import main
main()
"""
SECRET = base64.b64encode(b"user:s3cr3t-in-the-clear").decode()
CONFIG = {"auths": {"r.example": {"auth": SECRET}}}


class Home:
    """A home directory with logins in plain text."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / ".docker/config.json"
        self.config.parent.mkdir()
        self.config.write_text(json.dumps(CONFIG))

    def run(self, *words: str, die_in: str = "fsync", number: int = 0) -> int:
        environment = {
            "HOME": str(self.path),
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "DOCKCRED_VAULT_FILE": str(self.path / "vault"),
        }
        done = subprocess.run(
            [sys.executable, "-c", RUN, die_in, str(number), *words],
            env=environment,
            cwd=self.path,
            capture_output=True,
            text=True,
            timeout=BUSY_S,
            check=False,
        )
        assert number or done.returncode == 0, done.stdout + done.stderr
        return done.returncode

    def files(self) -> set[str]:
        found = (path for path in self.path.rglob("*") if path.is_file())
        return {str(path.relative_to(self.path)) for path in found}


CONFIGURE = ("configure", "docker", "--registry", "r.example", "--helper", "keyring")
CREATE = ("vault", "create", "--key-file", "key")
FILES = {".docker/config.json"}
KEPT_RECORD = ".docker/config.json.dockcred-undo"
KEPT = {".docker/config.json.before-dockcred", KEPT_RECORD}
CASES = {
    "configure": ((), CONFIGURE, FILES | KEPT),
    "undo": ((CONFIGURE,), (*CONFIGURE[:2], "--undo"), FILES),
    "import": (
        (CREATE,),
        ("import", "docker", "--remove"),
        FILES | {KEPT_RECORD, "key", "vault", "vault.lock"},
    ),
    "vault": ((), CREATE, FILES | {"key", "vault", "vault.lock"}),
    "keygen": (
        (),
        ("token-service", "keygen", "--keys", "keys"),
        FILES | {"keys/.lock", "keys/key-*.pem", "keys/roles.json"},
    ),
    "rotate": (
        (("token-service", "keygen", "--keys", "keys"),),
        ("token-service", "rotate", "--keys", "keys"),
        FILES | {"keys/.lock", "keys/key-*.pem", "keys/roles.json"},
    ),
    "install": (
        (),
        ("install", "--dir", "bin", "--programs", "docker-credential-ecr-login"),
        FILES | {"bin/docker-credential-ecr-login"},
    ),
}


def named(files: set[str]) -> set[str]:
    """Return file names with the random parts of keys' names replaced."""
    return {"keys/key-*.pem" if "/key-" in f and f.endswith("m") else f for f in files}


@pytest.mark.parametrize(
    ("case", "call"),
    [
        (case, call)
        for case in CASES
        for call in ("fsync", "replace", "unlink")
        if call != "unlink" or case in {"configure", "undo", "import"}
    ],
)
def test_the_next_run_works_and_leaves_nothing_of_a_killed_one(
    case: str, call: str, tmp_path: Path
) -> None:
    before, command, files = CASES[case]
    home = Home(tmp_path)
    for words in before:
        home.run(*words)
    assert home.run(*command, die_in=call, number=1) == -signal.SIGKILL
    home.run(*command)
    assert named(home.files()) == files
    keys = [name for name in home.files() if name.startswith("keys/key-")]
    assert len(keys) in {"keygen": {2}, "rotate": {3}}.get(case, {0})
    if case in {"configure", "undo"}:
        assert json.loads(home.config.read_text())["auths"] == CONFIG["auths"]


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_a_backup_is_never_left_without_the_record_that_knows_of_it(
    number: int, tmp_path: Path
) -> None:
    """`--undo` is killed at the removal of each of its files.

    Somebody has logged in since, so that the backup differs from the current file.
    """
    home = Home(tmp_path)
    home.run(*CONFIGURE)
    text = home.config.read_text()
    home.config.write_text(text.replace('"auths": {', '"auths": {"new.example": {}, '))
    undo = (*CONFIGURE[:2], "--undo")
    home.run(*undo, die_in="unlink", number=number)
    home.run(*undo)
    found = json.loads(home.config.read_text())
    assert found == {"auths": {"new.example": {}} | CONFIG["auths"]}
    assert os.listdir(home.config.parent) == ["config.json"]


def test_a_key_that_no_role_names_is_gone_after_the_next_rotation(
    tmp_path: Path,
) -> None:
    """It is killed after the new key was written, and before roles.json names it."""
    home = Home(tmp_path)
    keys = ("--keys", "keys")
    home.run("token-service", "keygen", *keys)
    rotate = ("token-service", "rotate", *keys)
    assert home.run(*rotate, die_in="replace", number=2) == -signal.SIGKILL
    assert len(list(tmp_path.glob("keys/key-*.pem"))) == 3
    home.run(*rotate)
    assert len(list(tmp_path.glob("keys/key-*.pem"))) == 3


def test_keygen_goes_on_with_the_key_that_a_killed_one_has_made(tmp_path: Path) -> None:
    home = Home(tmp_path)
    keygen = ("token-service", "keygen", "--keys", "keys")
    assert home.run(*keygen, die_in="replace", number=2) == -signal.SIGKILL
    (first,) = tmp_path.glob("keys/key-*.pem")
    home.run(*keygen)
    assert len(list(tmp_path.glob("keys/key-*.pem"))) == 2
    assert first.exists()


def test_keys_whose_roles_are_lost_are_not_taken_for_leftovers(tmp_path: Path) -> None:
    home = Home(tmp_path)
    for command in ("keygen", "rotate"):
        home.run("token-service", command, "--keys", "keys")
    (tmp_path / "keys/roles.json").unlink()
    keygen = ("token-service", "keygen", "--keys", "keys")
    assert home.run(*keygen, number=10**6) == 1
    assert len(list(tmp_path.glob("keys/key-*.pem"))) == 3
