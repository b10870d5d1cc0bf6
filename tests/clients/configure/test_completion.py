"""The TAB key, pressed in real shells."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time

import pytest
from real.parts import program
from support.program import BUSY_S

from .conftest import Person

SHELLS = {
    "bash": (
        ["bash", "--norc", "--noprofile", "-i"],
        "source <(dockcred completion bash)",
    ),
    "zsh": (
        ["zsh", "-f", "-i"],
        "autoload -U compinit; compinit -u; source <(dockcred completion zsh)",
    ),
    "fish": (["fish", "--no-config", "-i"], "dockcred completion fish | source"),
}
TAB, ENTER = "\t", "\r"


class Terminal:
    """A shell on a terminal of its own: keys go in, what is shown comes out."""

    def __init__(self, person: Person, command: list[str]) -> None:
        self._ours, theirs = pty.openpty()
        environment = {**person.environment, "TERM": "vt100", "PS1": "$ "}
        self._shell = subprocess.Popen(
            ["setsid", "--ctty", *command],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment,
            cwd=person.home,
        )
        os.close(theirs)

    def press(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def wait_for(self, text: str, seconds: float = BUSY_S) -> str:
        """Read until `text` is shown; return all that was, up to now."""
        shown = ""
        deadline = time.monotonic() + seconds
        while text not in shown:
            assert time.monotonic() < deadline, shown
            if select.select([self._ours], [], [], 0.2)[0]:
                shown += os.read(self._ours, 65536).decode(errors="replace")
        return shown

    def close(self) -> None:
        self._shell.kill()
        self._shell.wait()
        os.close(self._ours)


@pytest.mark.parametrize("shell", SHELLS)
def test_tab_completes_commands_options_and_helpers(person: Person, shell: str) -> None:
    command, set_up = SHELLS[shell]
    program(command[0])
    terminal = Terminal(person, command)
    try:
        terminal.press(f"{set_up}; echo re''ady{ENTER}")
        terminal.wait_for("ready")
        terminal.press(f"dockcred confi{TAB}")
        terminal.wait_for("gure")
        terminal.press(f"dock{TAB}")
        terminal.wait_for("er")
        terminal.press(f"--al{TAB}--dry{TAB}--helper ecr-{TAB}")
        terminal.wait_for("login")
        terminal.press(ENTER)
        terminal.wait_for('"credsStore": "ecr-login"')
    finally:
        terminal.close()
    assert "config.json" not in "".join(person.everything())


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_one_that_the_shell_can_read(person: Person, shell: str) -> None:
    program(shell)
    script = person.run("dockcred", "completion", shell)
    assert script.returncode == 0
    assert script.stderr == ""
    path = person.write(f"completion.{shell}", script.stdout)
    assert person.run(shell, "-n", str(path)).returncode == 0


def test_a_shell_that_is_none_of_the_three_is_refused(person: Person) -> None:
    done = person.run("dockcred", "completion", "tcsh")
    assert done.returncode == 2
    assert "'bash', 'zsh', 'fish'" in done.stderr
