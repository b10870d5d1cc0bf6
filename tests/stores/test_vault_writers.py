"""Writers of the vault that run in parallel, are killed, or find the disk full."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys

import pytest

from dockcred.credential import Credential
from dockcred.stores.vault import Vault
from dockcred.system.environment import Environment
from dockcred.testing.store_contract import NOT_FOUND

from .parts import missing, program
from .places import short_directory

pytestmark = pytest.mark.slow  # as a whole too long for `make test`

WRITERS = 100
NEW = "n" * 256 * 1024


def contents(home):
    """Return every key with its secret, from one reading of the file."""
    found = Vault(Environment(home.variables))._content()
    return {key: kept["secret"] for key, kept in found.items()}


def vault_directory(home):
    return home.path / ".local/share/dockcred"


def test_a_hundred_writers_at_once_lose_nothing_and_tear_nothing(vault):
    """Fifty store new keys, fifty erase old ones, and a reader reads meanwhile."""
    for number in range(WRITERS // 2):
        Vault(Environment(vault.variables)).write(
            f"old{number}.io", Credential("u", f"old {number}")
        )
    environment = {**vault.variables, "DOCKCRED_TIMEOUT": "300"}
    said = (vault.path / "said").open("w+b")
    children = []
    for number in range(WRITERS // 2):
        stored = {"ServerURL": f"r{number}.io", "Username": "u", "Secret": f"s{number}"}
        for verb, text in (("store", json.dumps(stored)), ("erase", f"old{number}.io")):
            child = subprocess.Popen(
                [vault.helper.program, verb],
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=subprocess.STDOUT,
                env=environment,
            )
            child.stdin.write(text.encode())
            child.stdin.close()
            children.append(child)
    looks = 0
    while any(child.poll() is None for child in children):
        seen = contents(vault)
        assert all(
            secret in {f"s{key[1:-3]}", f"old {key[3:-3]}"}
            for key, secret in seen.items()
        )
        looks += 1
    assert {child.wait() for child in children} == {0}
    said.seek(0)
    assert said.read() == b""
    said.close()
    assert looks > 0
    assert contents(vault) == {f"r{n}.io": f"s{n}" for n in range(WRITERS // 2)}


# A child that kills itself by SIGKILL before or after its n-th call of os functions.
# Before a write it writes half of the data. It exits 0 if it made fewer calls.
KILLED = """
import os, signal, sys
from dockcred.credential import Credential
from dockcred.system.environment import Environment
from dockcred.system import file_lock, private_file
from dockcred.stores.vault import Vault

when, after = int(sys.argv[1]), sys.argv[2] == "after"
calls = 0

def faulty(name):
    real = getattr(os, name)
    def call(*arguments, **named):
        global calls
        calls += 1
        if calls < when:
            return real(*arguments, **named)
        if after:
            real(*arguments, **named)
        elif name == "write":
            real(arguments[0], arguments[1][: len(arguments[1]) // 2])
        os.kill(os.getpid(), signal.SIGKILL)
    return call

vault = Vault(Environment(dict(os.environ)))
for name in ("open", "write", "fsync", "close", "replace", "unlink", "listdir"):
    setattr(os, name, faulty(name))
vault.write("r.io", Credential("user", "n" * int(sys.argv[3])))
sys.stdout.write(str(calls))
sys.stdout.flush()
"""


def test_a_writer_killed_at_any_point_leaves_the_old_state_or_the_new(vault):
    """kill -9 before and after each call; the next writer works, and cleans up."""
    killed, outcomes = 0, set()
    vault.helper.store("other.io", "user", "stays")
    for moment in ("before", "after"):
        number = 0
        while True:
            number += 1
            vault.helper.store("r.io", "user", "old")
            ended = subprocess.run(
                [sys.executable, "-c", KILLED, str(number), moment, str(len(NEW))],
                env=vault.variables,
                capture_output=True,
                check=False,
            )
            if ended.returncode == 0:
                break
            assert ended.returncode == -signal.SIGKILL, ended.stderr
            killed += 1
            found = contents(vault)
            assert found["other.io"] == "stays"
            assert found["r.io"] in {"old", NEW}
            outcomes.add(found["r.io"] == "old")
    assert killed >= 16
    assert outcomes == {True, False}
    vault.helper.store("r.io", "user", "last")
    assert contents(vault) == {"other.io": "stays", "r.io": "last"}
    assert sorted(os.listdir(vault_directory(vault))) == ["vault", "vault.lock"]


@pytest.fixture
def small_disk(vault):
    """Use a vault on a disk of 64 KiB."""
    if os.geteuid() != 0:
        missing("mounting needs root")
    with short_directory() as disk:
        mounted = subprocess.run(
            [program("mount"), "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)],
            capture_output=True,
            check=False,
        )
        if mounted.returncode:
            missing("tmpfs cannot be mounted here")
        try:
            shutil.copy(vault_directory(vault) / "vault", disk / "vault")
            vault.variables["DOCKCRED_VAULT_FILE"] = str(disk / "vault")
            yield vault
        finally:
            subprocess.run([program("umount"), str(disk)], check=True)


def test_a_full_disk_leaves_the_old_state_and_is_an_error(small_disk):
    small_disk.helper.store("r.io", "user", "old")
    request = {"ServerURL": "r.io", "Username": "user", "Secret": NEW}
    answer = small_disk.helper.run("store", json.dumps(request))
    assert answer.status == 1
    assert "No space left on device" in answer.stdout.decode()
    assert "stays as it was" in answer.stdout.decode()
    assert small_disk.helper.get("r.io") == ("user", "old")
    directory = os.path.dirname(small_disk.variables["DOCKCRED_VAULT_FILE"])
    assert sorted(os.listdir(directory)) == ["vault", "vault.lock"]


def test_a_writer_that_holds_the_lock_for_ever_is_an_error_in_time(vault):
    holder = subprocess.Popen(
        [program("flock"), str(vault_directory(vault) / "vault.lock"), "sleep", "30"],
        start_new_session=True,
    )
    try:
        while subprocess.run(
            [program("flock"), "-n", str(vault_directory(vault) / "vault.lock"), "true"],
            check=False,
        ).returncode == 0:  # fmt: skip
            pass
        request = {"ServerURL": "r.io", "Username": "user", "Secret": "s"}
        helper = vault.with_variables(DOCKCRED_TIMEOUT="1")
        answer = helper.run("store", json.dumps(request))
        assert answer.status == 1
        assert "another process" in answer.stdout.decode()
        read = helper.run("get", "r.io")
        assert read.stdout.decode().strip() == NOT_FOUND
    finally:
        os.killpg(holder.pid, signal.SIGKILL)
        holder.wait()
