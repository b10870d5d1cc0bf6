"""Writers that cannot write give one line with cause and remedy, and change nothing.

The disk is full, the file system is read-only, or chattr(1) forbids changes.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .parts import missing, program
from .places import Home

pytestmark = pytest.mark.slow  # as a whole too long for `make test`

SECRET = "s3cr3t-of-a-login"
AUTH = "dTpvdGhlcg=="
FILE = {"auths": {"r.example": {"auth": AUTH}}, "credsStore": "keyring"}
REMEDIES = {
    "full": ("No space left on device", "run: df -h {directory}"),
    "read-only": (
        "Read-only file system",
        "it is mounted read-only: name a place elsewhere",
    ),
}


def mount(*words: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    done = subprocess.run([program("mount"), *words], check=False, capture_output=True)
    if done.returncode:
        missing(f"mount {words}: {done.stderr!r}")


@pytest.fixture
def small(vault: Home) -> Iterator[Path]:
    """Provide a small disk with docker's config.json and a vault with another key."""
    directory = vault.path / "small"
    directory.mkdir(mode=0o700)
    mount("-t", "tmpfs", "-o", "size=64k,mode=0700", "tmpfs", str(directory))
    stored = {"ServerURL": "r.example", "Username": "u", "Secret": SECRET}
    kept = vault.run("docker-credential-keyring", "store", text=json.dumps(stored))
    assert kept.returncode == 0, kept.stdout
    (directory / "config.json").write_text(json.dumps(FILE))
    key = vault.path / "other.key"
    made = vault.run(
        *("dockcred", "vault", "create", "--key-file", str(key)),
        DOCKCRED_VAULT_FILE=str(directory / "vault"),
    )
    assert made.returncode == 0, made.stderr
    targets = vault.path / "refresh.toml"
    targets.write_text(
        '[[target]]\nformat = "docker-config"\nregistries = ["r.example"]\n'
        f'sources = ["keychain"]\nfile = "{directory}/config.json"\n'
    )
    vault.variables["DOCKER_CONFIG"] = str(directory)
    try:
        yield directory
    finally:
        subprocess.run([program("umount"), directory], check=True)


def spoil(directory: Path, how: str) -> None:
    if how == "read-only":
        mount("-o", "remount,ro", str(directory))
        return
    with (directory / "filler").open("wb", buffering=0) as filler:
        try:
            while filler.write(b"x" * 4096):
                pass
        except OSError:
            pass


WRITERS = {
    "configure": ("configure", "docker", "--all", "--helper", "auto"),
    "import": ("import", "docker", "--remove", "--replace"),
    "render": ("render", "docker-config", "--registry", "r.example", "--output"),
    "refresh": ("refresh", "--once"),
    "vault create": ("vault", "create", "--key-file"),
    "store": (),
}


def write(home: Home, directory: Path, name: str) -> subprocess.CompletedProcess[str]:
    words = WRITERS[name]
    if name == "store":
        stored = {"ServerURL": "s.example", "Username": "u", "Secret": SECRET}
        place = {"DOCKCRED_VAULT_FILE": str(directory / "vault")}
        helper = "docker-credential-keyring"
        return home.run(helper, "store", text=json.dumps(stored), **place)
    more = {
        "render": [str(directory / "config.json")],
        "refresh": [str(home.path / "refresh.toml")],
        "vault create": [str(home.path / "new.key")],
    }.get(name, [])
    place = {"DOCKCRED_VAULT_FILE": str(directory / "new")} if "create" in name else {}
    return home.run("dockcred", *words, *more, **place)


def state(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


@pytest.mark.parametrize("how", REMEDIES)
@pytest.mark.parametrize("name", WRITERS)
def test_it_says_why_and_leaves_what_was_there(vault, small, name, how) -> None:
    if name == "render":
        (small / "config.json").write_text(json.dumps({"auths": FILE["auths"]}))
    spoil(small, how)
    before = state(small)
    ran = write(vault, small, name)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    said = ran.stdout if name == "store" else ran.stderr
    *_, line = said.splitlines()
    cause, remedy = REMEDIES[how]
    assert cause in line
    assert remedy.format(directory=small) in line
    assert str(small) in line
    after = state(small)
    assert {n: b for n, b in after.items() if n in before} == before
    # The vault's empty lock file stays, as with every vault.
    assert not any(after[name] for name in after.keys() - before.keys())
    assert SECRET not in ran.stdout + ran.stderr
    assert "Traceback" not in ran.stdout + ran.stderr
    if "run: " in line:
        subprocess.run(shlex.split(line.partition("run: ")[2]), check=True)


@pytest.fixture
def held(vault: Home) -> Iterator[Path]:
    """Provide a directory with docker's config.json; a test protects one by chattr."""
    if os.geteuid() != 0:
        pytest.skip("only root can hold a file fast")
    directory = vault.path / "fast"
    directory.mkdir(mode=0o700)
    file = directory / "config.json"
    file.write_text(json.dumps(FILE))
    vault.variables["DOCKER_CONFIG"] = str(directory)
    yield directory
    for place in (directory, file):
        chattr("-i", place)
        chattr("-a", place)


CHATTR = "/usr/bin/chattr"


def chattr(flag: str, place: Path) -> subprocess.CompletedProcess[bytes] | None:
    if not os.path.exists(CHATTR):
        return None
    return subprocess.run([CHATTR, flag, place], check=False, capture_output=True)


@pytest.mark.parametrize("name", ["configure", "import"])
@pytest.mark.parametrize("flag", ["+i", "+a"])
@pytest.mark.parametrize("what", ["file", "directory"])
def test_what_is_held_fast_is_told_and_let_go(vault, held, name, flag, what) -> None:
    place = held / "config.json" if what == "file" else held
    done = chattr(flag, place)
    if done is None or done.returncode:
        pytest.skip(f"chattr {flag} does not work on this file system: {done}")
    before = state(held)
    ran = write(vault, held, name)
    if what == "directory" and flag == "+a" and ran.returncode == 0:
        pytest.skip("what is appended to a directory may be renamed here")
    assert ran.returncode == 1, ran.stdout + ran.stderr
    *_, line = ran.stderr.splitlines()
    fix = f"sudo chattr -i -a {place}"
    assert line.endswith(f"run: {fix}")
    assert (held / "config.json").read_bytes() == before["config.json"]
    subprocess.run(shlex.split(fix.removeprefix("sudo ")), check=True)
    ran = write(vault, held, name)
    assert ran.returncode == 0, ran.stderr
