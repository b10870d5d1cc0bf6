"""`dockcred exec` changes nothing for its command, except that it is logged in."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
from pathlib import Path

import pytest
from support.program import BUSY_S
from support.real import program

from .conftest import Caller

CHANGED = {
    *("PATH", "DOCKER_CONFIG", "BUILDX_CONFIG", "REGISTRY_AUTH_FILE"),
    "HELM_REGISTRY_CONFIG",
}
TRAITS = """
umask; ulimit -a; pwd; nice
ls -l /proc/self/fd | sed 's/.* -> //; s/[0-9]//g'
grep -E '^(Sig(Blk|Ign|Cgt)|ShdPnd|CapEff|NoNewPrivs)' /proc/self/status
"""


def test_the_exit_status_is_the_commands(caller: Caller) -> None:
    assert caller.run("sh", "-c", "exit 7").returncode == 7
    assert caller.run("true").returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGPIPE])
def test_a_signal_that_ends_the_command_ends_us(caller: Caller, number: int) -> None:
    assert caller.run("sh", "-c", f"kill -{int(number)} $$").returncode == -number
    assert caller.leaves_nothing()


def test_a_command_that_is_missing_or_no_program_is_said_in_one_line(
    caller: Caller, tmp_path: Path
) -> None:
    done = caller.run("no-such-command")
    assert done.returncode == 127
    assert done.stderr == "dockcred exec: no-such-command: No such file or directory\n"
    assert caller.run("").stderr == "dockcred exec: : No such file or directory\n"
    (tmp_path / "text").write_text("text")
    done = caller.run(str(tmp_path / "text"))
    assert (done.returncode, done.stderr.count("\n")) == (126, 1)
    assert not caller.left()


def test_a_script_without_an_interpreter_is_the_shells(
    caller: Caller, tmp_path: Path
) -> None:
    """execvp(3) runs it in the shell, as it does for env, nice and timeout."""
    script = tmp_path / "script"
    script.write_text('echo "$@"')
    script.chmod(0o755)
    assert caller.run(str(script), "one", "two words").stdout == "one two words\n"


def test_stdin_and_stdout_are_the_commands_alone(caller: Caller) -> None:
    done = subprocess.run(
        caller.argv("cat"),
        env=caller.environment,
        input=b"\x00\xff",
        capture_output=True,
        timeout=BUSY_S,
        check=True,
    )
    assert (done.stdout, done.stderr) == (b"\x00\xff", b"")


def test_arguments_and_variables_are_bytes_and_not_text(caller: Caller) -> None:
    caller.environment["ODD"] = "\udcff\n"
    done = caller.run("sh", "-c", 'printf %s "$1$ODD" | od -An -tx1', "sh", "\udcfe")
    assert done.stdout.split() == ["fe", "ff", "0a"]


def test_the_options_after_the_command_are_its_own(caller: Caller) -> None:
    assert caller.run("echo", "--only", "--", "-x").stdout == "--only -- -x\n"


def test_only_the_variables_of_the_clients_are_changed(caller: Caller) -> None:
    # Where there is no locale at all, Python sets LC_CTYPE itself (PEP 538).
    caller.environment |= {"EMPTY": "", "KEPT": "kept", "LC_CTYPE": "C.UTF-8"}
    before = {**caller.environment}
    after = dict(
        line.split("=", 1) for line in caller.says("env -0").split("\0") if line
    )
    del after["PWD"]
    assert {name for name in after if after[name] != before.get(name)} == CHANGED
    assert before.keys() <= after.keys()


@pytest.mark.parametrize(
    "before", ["", "umask 027; ulimit -c 7; ulimit -n 99", "trap '' INT QUIT HUP TERM"]
)
def test_limits_umask_signals_and_descriptors_are_the_callers(
    caller: Caller, before: str
) -> None:
    """A shell changes them, then runs the same script with and without `exec`."""
    with_us = " ".join(caller.argv())
    plain, run = (
        subprocess.run(
            [
                "sh",
                "-c",
                f'{before}\nexec 7</dev/null 8>/dev/null\n{how} sh -c "$0"',
                TRAITS,
            ],
            env=caller.environment,
            capture_output=True,
            text=True,
            timeout=BUSY_S,
            check=True,
        )
        for how in ("", with_us)
    )
    assert run.stdout == plain.stdout
    assert "SigIgn" in plain.stdout


def test_the_command_has_no_child_that_it_did_not_start(caller: Caller) -> None:
    """So a shell's `wait` returns at once, and the command gets no SIGCHLD of ours."""
    script = 'read them </proc/$$/task/$$/children; echo "<$them>"'
    assert caller.says(script) == "<>\n"


def test_the_command_is_the_process_that_was_started(caller: Caller) -> None:
    """So a signal that a terminal, a shell or systemd sends reaches the command."""
    program("ps")
    with caller.start("sh", "-c", "echo $$ $PPID; ps -o pgid=,sid= $$") as running:
        said, _ = running.communicate()
    ours = (running.pid, os.getpid(), os.getpgrp(), os.getsid(0))
    assert tuple(map(int, said.split())) == ours


def test_ctrl_c_on_a_terminal_reaches_the_command_once(caller: Caller) -> None:
    script = "trap 'echo got' INT; echo ready; until read line; do :; done; exit 5"
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(caller.dockcred, caller.argv("sh", "-c", script), caller.environment)
    assert read_until(terminal, "ready")
    os.write(terminal, b"\x03")
    said = read_until(terminal, "got")
    os.write(terminal, b"line\n")
    said += read_until(terminal, "line")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 5
    os.close(terminal)
    assert said.count("got") == 1
    assert caller.leaves_nothing()


def read_until(terminal: int, text: str) -> str:
    found = ""
    while text not in found:
        found += os.read(terminal, 1000).decode()
    return found
