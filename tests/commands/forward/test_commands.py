"""forward asks a person (--confirm), runs a command, and serves the far `dockcred`."""

from __future__ import annotations

import json
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pexpect
import pytest
from support.program import BUSY_S, HOST, Answer, Program, wait_until

from .near import Near

QUESTION = r"answer it\? \[y/N\] "


@pytest.fixture
def dockcred(helper_bin: Path) -> Program:
    return Program(str(helper_bin / "dockcred"))


class Asked:
    """A near side with a person at its terminal."""

    def __init__(
        self, helper_bin: Path, environment: dict[str, str], path: Path
    ) -> None:
        self.path = str(path)
        self.helper = Program(str(helper_bin / "docker-credential-auto"))
        self.terminal = pexpect.spawn(
            str(helper_bin / "dockcred"),
            ["forward", "--allow", HOST, "--confirm", "--socket", self.path],
            env=environment,
            encoding="utf-8",
            timeout=BUSY_S,
        )
        self.terminal.expect("export DOCKCRED_FORWARD=")
        self._pool = ThreadPoolExecutor(4)

    def ask(self, **variables: str):
        far = {"DOCKCRED_FORWARD": self.path} | variables
        return self._pool.submit(self.helper.get, far)


@pytest.fixture
def asked(cloud, helper_bin: Path, tmp_path: Path):
    found = Asked(helper_bin, cloud.environment("env-keys"), tmp_path / "s")
    yield found
    found.terminal.close(force=True)


def test_a_yes_is_answered_and_all_else_is_a_no(asked: Asked) -> None:
    for typed, answered in (("y", True), ("n", False), ("", False), ("yes", True)):
        waiting = asked.ask()
        asked.terminal.expect(QUESTION)
        asked.terminal.sendline(typed)
        far: Answer = waiting.result(BUSY_S)
        assert (far.status == 0) == answered, (typed, far)
        if not answered:
            assert far.said == "the person at dockcred forward said no; ask again"


def test_what_was_typed_before_the_question_is_no_answer(asked: Asked) -> None:
    asked.terminal.send("y\ny\ny\n")
    waiting = asked.ask()
    asked.terminal.expect(QUESTION)
    asked.terminal.sendline("n")
    assert waiting.result(BUSY_S).status == 1


def test_two_are_asked_one_after_the_other(asked: Asked) -> None:
    waiting = [asked.ask() for _ in range(2)]
    for typed in ("y", "n"):
        asked.terminal.expect(QUESTION)
        assert asked.terminal.expect([QUESTION, pexpect.TIMEOUT], timeout=2) == 1
        asked.terminal.sendline(typed)
    assert sorted(each.result(BUSY_S).status for each in waiting) == [0, 1]


def test_who_waits_has_a_person_s_time_unless_somebody_set_it(asked: Asked) -> None:
    far: Answer = asked.ask(DOCKCRED_TIMEOUT="1").result(BUSY_S)
    assert "does not answer; see on the machine where it runs" in far.said


@pytest.mark.parametrize("more", [(), ("--", "true")], ids=["no terminal", "a command"])
def test_nobody_is_asked_without_a_terminal(
    dockcred: Program, tmp_path: Path, more
) -> None:
    done = dockcred(
        *("forward", "--allow", HOST, "--confirm", *more),
        environment={"HOME": str(tmp_path)},
    )
    assert done.status == 1
    assert b"--confirm needs a terminal" in done.stderr


def test_a_signal_ends_the_command_and_what_is_allowed(
    cloud, helper_bin: Path, tmp_path: Path
) -> None:
    path = tmp_path / "s"
    command = ["forward", "--allow", HOST, "--socket", str(path), "--", "sleep", "60"]
    with subprocess.Popen(
        [helper_bin / "dockcred", *command],
        env=cloud.environment("env-keys"),
        stderr=subprocess.DEVNULL,
    ) as process:
        wait_until(path.exists)
        helper = Program(str(helper_bin / "docker-credential-auto"))
        assert helper.get({"DOCKCRED_FORWARD": str(path)}).status == 0
        process.send_signal(signal.SIGTERM)
        assert process.wait(BUSY_S) == 128 + signal.SIGTERM
    assert not path.exists()


def test_a_socket_that_it_would_ask_itself_is_refused(
    dockcred: Program, tmp_path: Path
) -> None:
    path = str(tmp_path / "s")
    done = dockcred(
        *("forward", "--allow", HOST, "--socket", path),
        environment={"HOME": str(tmp_path), "DOCKCRED_FORWARD": path},
    )
    assert b"DOCKCRED_FORWARD names the socket that is to be made" in done.stderr


def test_a_far_side_may_forward_what_it_is_forwarded(
    near: Near, dockcred: Program
) -> None:
    ask = f"echo {HOST} | {near.helper_bin}/docker-credential-auto get"
    done = dockcred(
        *("forward", "--allow", HOST, "--", "sh", "-c", ask),
        environment=near.far | {"HOME": "/nonexistent"},
    )
    assert json.loads(done.stdout)["Username"] == "AWS", done
    assert near.told().count("answered as AWS") == 1


def test_dockcred_itself_says_who_answers(
    near: Near, dockcred: Program, tmp_path: Path
) -> None:
    far = near.far | {"HOME": str(tmp_path)}
    shown = dockcred("get", HOST, environment=far).stdout.decode()
    assert f"by        forward: socket {near.path}\n" in shown
    listed = json.loads(dockcred("list", "--json", environment=far).stdout)
    (row,) = listed["registries"]
    assert (row["registry"], row["user"], row["source"]) == (HOST, "AWS", "forward")


def test_doctor_names_no_identity_of_the_far_side(
    cloud, near: Near, dockcred: Program
) -> None:
    """The far side has keys of its own, which are not used."""
    variables = cloud.environment("env-keys")
    docker = Path(variables["HOME"]) / ".docker"
    docker.mkdir()
    (docker / "config.json").write_text('{"credsStore": "auto"}')
    done = dockcred("doctor", HOST, environment=variables | near.far)
    said = done.stdout.decode()
    assert said.startswith("✓ works: docker shows"), said
    assert "aws:" not in said
