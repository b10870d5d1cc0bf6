"""Child programs: the quick way and subprocess must behave alike."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.imports import HEAVY, of_get
from support.program import BUSY_S, LONG_S

from dockcred.system import spawn

SH = "/bin/sh"
PATH = {"PATH": "/usr/bin:/bin"}
ways = pytest.mark.parametrize("way", [spawn.run, spawn.by_subprocess])


def sh(way, script, text=b"", timeout_s=20.0, **variables):
    return way([SH, "-c", script], PATH | variables, timeout_s, text)


@ways
def test_status_and_both_streams_come_back(way):
    assert sh(way, "cat; echo bad >&2; exit 3", b"in") == (3, b"in", b"bad\n")
    assert sh(way, "kill -9 $$")[0] == -9


@ways
def test_it_starts_in_the_root_with_the_variables_given(way, monkeypatch):
    monkeypatch.setenv("DOCKCRED_SECRET", "hunter2")
    here = os.getcwd()
    _, output, _ = sh(way, "pwd; echo $NAMED; env", NAMED="given")
    assert output.startswith(b"/\ngiven\n")
    assert b"hunter2" not in output
    assert os.getcwd() == here


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")
def test_a_working_directory_that_may_not_be_read_is_returned_to(tmp_path):
    """As after `sudo -u` in one's own home directory."""
    tmp_path.chmod(0o711)
    root = str(Path(spawn.__file__).parents[1])
    code = (
        f"import os, select, sys; sys.path.insert(0, {root!r})\n"
        "import dockcred.system.spawn as s; before = os.stat('.'); os.setuid(65534)\n"
        "print(s.run(['/bin/sh', '-c', 'pwd'], {}, 9.0, b'')[1])\n"
        "print(os.path.samestat(os.stat('.'), before))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "b'/\\n'\nTrue\n", done.stderr


@ways
def test_it_inherits_no_descriptor(way, tmp_path):
    """Our caller's file descriptors must not stay open in an agent that gpg starts."""
    with (tmp_path / "open").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        _, output, _ = sh(way, "ls -l /proc/self/fd")
    assert str(tmp_path).encode() not in output


@ways
def test_it_stands_in_a_session_of_its_own_and_dies_of_a_closed_pipe(way):
    """Python ignores SIGPIPE; a shell's pipelines need its default action."""
    _, output, _ = sh(way, "echo $$; cut -d' ' -f6 /proc/$$/stat")
    leader, session = output.split()
    assert leader == session
    ignored = sh(way, "grep SigIgn /proc/$$/status")[1].split()[1]
    assert int(ignored, 16) & (1 << 12) == 0


@ways
def test_a_long_text_passes_both_ways(way):
    text = os.urandom(1 << 20)
    assert sh(way, "cat", text)[1] == text


@ways
def test_a_program_that_does_not_read_its_text_is_no_trouble(way):
    assert sh(way, "exec <&-; echo done", b"x" * (1 << 20))[1] == b"done\n"


@ways
def test_what_takes_too_long_is_killed_with_its_children(way, tmp_path):
    pids = tmp_path / "pids"
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        sh(way, f"sleep {LONG_S} & echo $$ $! >{pids}; wait", timeout_s=1)
    assert time.monotonic() - began < BUSY_S
    for pid in pids.read_text().split():
        wait_until_gone(pid)


def test_what_closed_its_streams_and_lives_on_is_given_up():
    with pytest.raises(TimeoutError):
        sh(spawn.run, f"exec >&- 2>&-; sleep {LONG_S}", timeout_s=1)


@ways
def test_what_stays_behind_is_killed(way, tmp_path):
    pid = tmp_path / "pid"
    sh(way, f"sleep {LONG_S} >/dev/null 2>&1 & echo $! >{pid}")
    wait_until_gone(pid.read_text().strip())


@ways
def test_what_is_no_program_is_an_error(way, tmp_path):
    with pytest.raises(FileNotFoundError):
        way([str(tmp_path / "none")], PATH, 5.0, b"")
    before = open_descriptors()
    (tmp_path / "text").write_text("no program")
    with pytest.raises(PermissionError):
        way([str(tmp_path / "text")], PATH, 5.0, b"")
    assert open_descriptors() == before


def test_no_descriptor_and_no_process_is_left():
    before = open_descriptors(), children()
    sh(spawn.run, "cat", b"x")
    sh(spawn.run, "true")
    assert (open_descriptors(), children()) == before


def test_a_flood_is_cut(monkeypatch):
    monkeypatch.setattr(spawn, "MAX_OUTPUT_BYTES", 100_000)
    _, output, _ = sh(spawn.run, "head -c 1000000 /dev/zero")
    assert 100_000 <= len(output) < 200_000


def test_without_posix_spawn_the_library_does_it(monkeypatch):
    def refuse(*_, **__):
        raise NotImplementedError

    before = open_descriptors()
    monkeypatch.setattr(os, "posix_spawn", refuse)
    assert sh(spawn.run, "cat", b"in") == (0, b"in", b"")
    monkeypatch.delattr(os, "posix_spawn")
    assert sh(spawn.run, "cat", b"in") == (0, b"in", b"")
    assert open_descriptors() == before


def test_a_get_from_pass_imports_nothing_heavy(password_store):
    password_store.helper.store("r.io", "user", "secret")
    modules = of_get("docker_credential_keyring", "r.io", password_store.variables)
    assert "select" in modules
    assert modules & HEAVY == set()


def children() -> set[str]:
    """Return the pids of our children, zombies included; other tests may have some."""
    tasks = Path("/proc/self/task").glob("*/children")
    return {pid for task in tasks for pid in task.read_text().split()}


def open_descriptors() -> list[str]:
    return os.listdir("/dev/fd")


def wait_until_gone(pid: str) -> None:
    give_up = time.monotonic() + BUSY_S
    while time.monotonic() < give_up:
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii") as file:
                if file.read().rpartition(")")[2].split()[0] == "Z":
                    return
        except (FileNotFoundError, ProcessLookupError):
            return  # ProcessLookupError: it ended between opening and reading
        time.sleep(0.02)
    pytest.fail(f"{pid} is still there")
