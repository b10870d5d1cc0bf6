"""`dockcred doctor --self-test` over real stores: its tests, output and leftovers."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import time

import pytest
from support.program import BUSY_S

from .parts import PROGRAMS, SYSTEM_PATH, ours, program

THEIRS = {"ServerURL": "r.example", "Username": "ada", "Secret": "s3cret-of-a-person"}
PEERS = {"desk": "secretservice", "password_store": "pass", "vault": "vault"}
LINE = re.compile(r"(ok|FAILED|not tried) +(\S.*)")


def self_test(home, **variables):
    """Run the self-test; its 150 calls of a helper take long on a busy machine."""
    return subprocess.run(
        [ours("dockcred"), "doctor", "--self-test"],
        env=home.variables | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def kept(home):
    return json.loads(home.run("docker-credential-keyring", "list").stdout)


@pytest.fixture
def lived_in(request):
    """Provide a store in which a person has a login."""
    home = request.getfixturevalue(request.param)
    home.variables["DOCKCRED_STORE"] = PEERS[request.param]
    home.variables["LOGNAME"] = "ada"
    text = json.dumps(THEIRS)
    assert home.run("docker-credential-keyring", "store", text=text).returncode == 0
    return home


@pytest.mark.slow
@pytest.mark.parametrize("lived_in", PEERS, indirect=True)
def test_a_place_that_works_passes_and_is_left_as_it_was(lived_in):
    store = lived_in.variables["DOCKCRED_STORE"]
    if store != "vault":
        program(f"docker-credential-{store}")
    ran = self_test(lived_in)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    ends = LINE.findall(ran.stdout)
    assert len(ends) > 14
    assert {end for end, _ in ends} <= {"ok", "not tried"}
    tried = {what for end, what in ends if end == "ok"}
    assert "A place that is locked is told as that, never as empty" in tried
    assert any("docker's own helper" in what for what in tried) == (store != "vault")
    assert "The self-test passed: " in ran.stdout
    assert kept(lived_in) == {"r.example": "ada"}
    got = lived_in.helper.get("r.example")
    assert got == ("ada", THEIRS["Secret"])


def test_what_it_says_names_nobody(vault):
    vault.variables |= {"LOGNAME": "ada", "DOCKCRED_STORE": "vault"}
    broken = vault.path / "bin"
    broken.mkdir()
    helper = broken / "docker-credential-keyring"
    helper.write_text(
        f"#!/bin/sh\necho 'ada has no {vault.path}/x on {os.uname().nodename}'; exit 1\n"
    )
    helper.chmod(0o755)
    ran = self_test(vault, PATH=f"{broken}:{vault.variables['PATH']}")
    assert ran.returncode == 1
    assert "said: USER has no ~/x on MACHINE" in ran.stdout
    assert "The self-test failed: 0 ok" in ran.stdout
    for word in ("ada", str(vault.path), os.uname().nodename):
        assert not re.search(rf"(?<!\w){re.escape(word)}(?!\w)", ran.stdout)


def wrong_helper(home, script):
    """Put a changed helper before ours; return the PATH that finds it."""
    place = home.path / "bin"
    place.mkdir()
    file = place / "docker-credential-keyring"
    file.write_text(f"#!/bin/sh\n{script}\n".replace("OURS", ours(file.name)))
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return {"PATH": f"{place}:{home.variables['PATH']}"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "what"),
    [
        (
            '[ "$1" != list ] || { echo "{}"; exit; }\nexec OURS "$1"',
            "any user|user name",
        ),
        ('OURS "$1" | tr X Y', "any user|come back|byte"),
    ],
    ids=["it lists nothing", "it changes a letter"],
)
def test_a_fault_is_found_and_no_secret_shown(vault, script, what):
    vault.variables["DOCKCRED_STORE"] = "vault"
    ran = self_test(
        vault, **wrong_helper(vault, script.replace("X", "s").replace("Y", "t"))
    )
    assert ran.returncode == 1, ran.stdout
    failed = [said for end, said in LINE.findall(ran.stdout) if end == "FAILED"]
    assert any(re.search(what, said) for said in failed), ran.stdout
    assert "secret of" not in ran.stdout
    assert kept(vault) == {}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_nothing_behind(vault, number):
    vault.variables["DOCKCRED_STORE"] = "vault"
    child = subprocess.Popen(
        [ours("dockcred"), "doctor", "--self-test"],
        env=vault.variables | {"PYTHONFAULTHANDLER": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        process_group=0,
    )
    give_up = time.monotonic() + BUSY_S
    while not (found := kept(vault)):
        assert time.monotonic() < give_up
    assert all(re.search(r"dockcred-self-test-.*\.invalid", key) for key in found)
    # A terminal signals the whole foreground process group, including the helper.
    os.killpg(child.pid, number)
    try:
        said, _ = child.communicate(timeout=BUSY_S)
    except subprocess.TimeoutExpired:
        child.send_signal(signal.SIGABRT)  # faulthandler prints where it is
        said, _ = child.communicate()
    assert child.returncode not in {0, None, -signal.SIGABRT}, said
    assert b"Traceback" not in said
    assert kept(vault) == {}


def test_what_a_killed_run_left_goes_with_the_next(vault):
    vault.variables["DOCKCRED_STORE"] = "vault"
    left = {**THEIRS, "ServerURL": "a.dockcred-self-test-0123abcd.invalid:5000"}
    near = {**THEIRS, "ServerURL": "dockcred-self-test.example"}
    for fields in (left, near):
        vault.run("docker-credential-keyring", "store", text=json.dumps(fields))
    script = """
case $1 in list) exec OURS list ;; erase) key=$(cat) ;; *) exit 1 ;; esac
case $key in *0123abcd*|*self-test.example) printf %s "$key" | OURS erase ;; esac"""
    assert self_test(vault, **wrong_helper(vault, script)).returncode == 1
    assert kept(vault) == {"dockcred-self-test.example": "ada"}


def test_python_without_assertions_is_no_test(vault):
    ran = self_test(vault, DOCKCRED_STORE="vault", PYTHONOPTIMIZE="1")
    assert ran.returncode == 1
    assert "unset PYTHONOPTIMIZE" in ran.stderr


def test_without_a_store_it_says_what_to_do(home):
    ran = self_test(home)
    assert ran.returncode == 1
    assert "dockcred vault create" in ran.stderr
    assert ran.stdout == ""


def test_without_the_helper_it_says_how_to_get_it(vault, tmp_path):
    only = tmp_path / "dockcred"
    only.write_text(
        f"#!{PROGRAMS}/python\nfrom dockcred.commands import main\nmain()\n"
    )
    only.chmod(0o755)
    ran = subprocess.run(
        [only, "doctor", "--self-test"],
        env={**vault.variables, "PATH": SYSTEM_PATH},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1, ran.stdout
    assert "dockcred install --programs docker-credential-keyring" in ran.stderr


@pytest.mark.parametrize("also", ["r.example", "--json", "--fix", "--undo"])
def test_it_stands_alone(home, also):
    ran = home.run("dockcred", "doctor", "--self-test", also)
    assert ran.returncode == 2
    assert "--self-test stands alone" in ran.stderr
