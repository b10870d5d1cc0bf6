"""A target's command gets the rendered text on stdin, and nowhere else."""

from __future__ import annotations

import json
import os

import pytest
from support.program import BUSY_S, HOST, wait_until

RECEIVER = """#!/bin/sh
# As a KBS client: it keeps what comes on stdin; and it is nosy.
cat >"$0.got"
tr '\\0' '\\n' </proc/$$/cmdline >"$0.argv"
env >"$0.env"
"""


@pytest.fixture
def keeper(make_keeper, cloud):
    return make_keeper(cloud)


@pytest.fixture
def receiver(keeper):
    path = keeper.home / "receiver"
    path.write_text(RECEIVER)
    path.chmod(0o755)
    return path


def wants(keeper, *command: str) -> None:
    keeper.wants(
        {"format": "containers-auth", "registries": [HOST], "command": list(command)}
    )


def test_it_comes_on_stdin_and_is_in_no_argument_nor_variable(keeper, receiver, cloud):
    wants(keeper, str(receiver), "--path", "default/containers/auth")
    (line,) = keeper.once()
    assert line.startswith("wrote receiver: it is good until ")
    got = (keeper.home / "receiver.got").read_text()
    secret = json.loads(got)["auths"][HOST]["auth"]
    seen = [(keeper.home / f"receiver.{name}").read_text() for name in ("argv", "env")]
    assert "default/containers/auth" in seen[0]
    for text in seen:
        assert secret not in text
        assert keeper.environment["AWS_SECRET_ACCESS_KEY"] not in text


def test_what_fails_is_told_with_its_status_and_not_its_words(keeper, receiver):
    receiver.write_text("#!/bin/sh\ncat >&2\nexit 7\n")
    wants(keeper, str(receiver))
    (line,) = keeper.fails("--once")
    assert line.startswith(
        "receiver: receiver ended with status 7; run it by hand to see why"
    )


def test_what_reads_nothing_and_is_content_is_content(keeper, receiver):
    receiver.write_text("#!/bin/sh\nexit 0\n")
    wants(keeper, str(receiver))
    assert len(keeper.once()) == 1


@pytest.mark.parametrize("name", ["no-such-client", "/no/such/client"])
def test_what_is_missing_is_named(name, keeper):
    wants(keeper, name)
    (line,) = keeper.fails("--once")
    assert name in line


def test_the_loop_hands_it_over_again_before_it_ends(make_keeper, brief_cloud):
    keeper = make_keeper(brief_cloud)
    log = keeper.home / "log"
    wants(keeper, "/bin/sh", "-c", f"cat >>{log}; echo >>{log}")
    with keeper.start() as running:
        running.says("wrote sh", times=2)
    lines = log.read_text().splitlines()
    assert len(set(lines)) == len(lines) >= 2


def test_what_is_being_handed_over_ends_before_the_loop_does(make_keeper, cloud):
    """After SIGTERM the loop waits for a command that runs."""
    keeper = make_keeper(cloud)
    gate = keeper.home / "gate"
    os.mkfifo(gate)
    done = keeper.home / "done"
    wants(keeper, "/bin/sh", "-c", f"cat >/dev/null; read line <{gate}; echo >{done}")
    with keeper.start() as running:
        other_end = wait_until(lambda: _opened(gate))
        running.process.terminate()
        os.write(other_end, b"go\n")
        os.close(other_end)
        assert running.process.wait(BUSY_S) == 0
    assert done.exists()


def _opened(fifo) -> int | None:
    """Open the FIFO for writing; return None while no process reads it."""
    try:
        return os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return None
