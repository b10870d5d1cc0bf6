"""The TAB key, pressed in real shells."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import time

import click
import pytest
from click.shell_completion import CompletionItem
from real.parts import program
from support.program import BUSY_S

from dockcred.commands import SECTIONS
from dockcred.commands.powershell import PowerShellComplete

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
    """A shell on its own terminal: the test presses keys, and reads what is shown."""

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
        """Read until `text` is shown; return all that was read."""
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


def ask(person: Person, *words: str) -> list[dict[str, str]]:
    """Return the completions of the last word, called as PowerShell's script does."""
    asked = {"COMP_WORDS": "\n".join(("dockcred", *words))}
    done = person.run("dockcred", _DOCKCRED_COMPLETE="powershell_complete", **asked)
    assert (done.returncode, done.stderr) == (0, ""), done
    assert done.stdout.isascii()
    assert done.stdout.count("\n") == 1
    found: list[dict[str, str]] = json.loads(done.stdout)
    return found


def test_powershells_script_goes_by_its_documented_call(person: Person) -> None:
    """Only the script's text is checked: it has not run in a PowerShell."""
    script = person.run("dockcred", "completion", "powershell").stdout
    assert "Register-ArgumentCompleter -Native -CommandName dockcred -Scr" in script
    assert "param($wordToComplete, $commandAst, $cursorPosition)" in script
    assert script.isascii()
    assert script.count("{") == script.count("}")
    assert script.count("(") == script.count(")")
    # It removes the variables that it sets, and calls the program by its name.
    assert "$env:_DOCKCRED_COMPLETE = $null" in script.partition("finally")[2]
    assert "$env:COMP_WORDS = $before" in script.partition("finally")[2]


def test_powershell_is_told_commands_options_and_values_with_their_help(
    person: Person,
) -> None:
    (found,) = ask(person, "confi")
    assert found["text"] == found["shown"] == "configure"
    assert found["help"] == SECTIONS["For people"]["configure"]
    assert {"setup", "status"} <= {each["text"] for each in ask(person, "")}
    assert "--all" in {each["text"] for each in ask(person, "configure", "docker", "-")}
    words = "configure", "docker", "--helper"
    assert [each["text"] for each in ask(person, *words, "'ecr-")] == ["ecr-login"]
    (whole,) = ask(person, *words[:2], "--helper=ecr-")
    assert (whole["text"], whole["shown"]) == ("--helper=ecr-login", "ecr-login")
    assert ask(person, "check", "docker-config", "") == []  # it finds files itself


def test_powershell_is_told_hosts_and_quotes_what_it_would_take_apart(
    person: Person,
) -> None:
    person.write(
        ".docker/config.json", '{"credHelpers": {"known.example:5000": "auto"}}'
    )
    person.write(".aws/config", "[profile odd@one]\nregion = eu-west-1\n")
    (found,) = ask(person, "get", "KNOWN.example:5")
    assert found["text"] == "known.example:5000"
    for word in ("od", "'od"):
        (found,) = ask(person, "configure", "identity", "--profile", word)
        assert (found["text"], found["shown"]) == ("'odd@one'", "odd@one")


def test_a_quote_within_powershells_quotes_is_written_twice() -> None:
    complete = PowerShellComplete(click.Command("x"), {}, "x", "X")
    for text, quoted in (
        ("it's", "'it''s'"),
        ("a b", "'a b'"),
        ("a\u2019b", "'a\u2019\u2019b'"),
        ("C:\\a-b.c", "C:\\a-b.c"),
    ):
        found = json.loads(complete.format_completion(CompletionItem(text)))
        assert found == {"text": quoted, "shown": text, "help": text}


@pytest.mark.parametrize("shell", [*SHELLS, "powershell"])
def test_a_slip_before_the_word_is_no_traceback(person: Person, shell: str) -> None:
    words = "dockcred\nnosuch\n"
    asked = {"COMP_WORDS": words, "COMP_CWORD": "" if shell == "fish" else "2"}
    done = person.run("dockcred", _DOCKCRED_COMPLETE=f"{shell}_complete", **asked)
    assert (done.returncode, done.stderr) == (0, ""), done


def test_a_shell_that_is_none_of_these_is_refused(person: Person) -> None:
    done = person.run("dockcred", "completion", "tcsh")
    assert done.returncode == 2
    assert "'bash', 'zsh', 'fish', 'powershell'" in done.stderr
