"""The loop and its signals: it reads its file again, goes on, or ends with 0."""

from __future__ import annotations

import signal
import time

import pytest
from support.program import BUSY_S, HOST, PUBLIC, wait_until


def target(keeper, name: str, registry: str = HOST) -> dict[str, object]:
    path = str(keeper.home / name)
    return {"format": "docker-config", "registries": [registry], "file": path}


@pytest.fixture
def keeper(make_keeper, cloud):
    return make_keeper(cloud)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_at_once_and_well(number, keeper):
    keeper.wants(target(keeper, "a.json"))
    with keeper.start() as running:
        running.says("wrote")
        running.process.send_signal(number)
        assert running.process.wait(BUSY_S) == 0
    assert len(running.said) == 1


def test_hangup_reads_the_file_again(keeper):
    keeper.wants(target(keeper, "a.json"))
    with keeper.start() as running:
        running.says("wrote")
        keeper.wants(target(keeper, "a.json"), target(keeper, "b.json", PUBLIC))
        running.process.send_signal(signal.SIGHUP)
        running.says("wrote", times=2)
    assert (keeper.home / "b.json").exists()


def test_a_file_that_is_wrong_by_then_changes_nothing(keeper):
    keeper.wants(target(keeper, "a.json"))
    with keeper.start() as running:
        running.says("wrote")
        keeper.file.write_text("[[target]]\n")
        running.process.send_signal(signal.SIGHUP)
        running.says("(the targets stay as they were)")
        (keeper.home / "a.json").unlink()
        keeper.wants(target(keeper, "a.json"))
        running.process.send_signal(signal.SIGHUP)
        running.says("wrote", times=2)


def test_a_file_that_is_wrong_from_the_start_ends_it(keeper):
    keeper.file.write_text("[[target]]\n")
    (line,) = keeper.fails()
    assert line.startswith(f"{keeper.file}: target 1: ")


def test_it_sleeps_while_nothing_is_due(keeper):
    keeper.wants(target(keeper, "a.json"))
    with keeper.start() as running:
        running.says("wrote")
        stat = f"/proc/{running.process.pid}/stat"
        # Both times are in clock ticks, a hundred in a second.
        before = _processor_time(stat)
        wait_until(lambda: _state(stat) == "S")
        time.sleep(1)
        assert _processor_time(stat) - before < 20


def _state(stat: str) -> str:
    with open(stat) as file:
        return file.read().rpartition(")")[2].split()[0]


def _processor_time(stat: str) -> int:
    with open(stat) as file:
        fields = file.read().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_options_that_exclude_each_other_are_refused(keeper):
    keeper.wants(target(keeper, "a.json"))
    done = keeper.run("--once", "--status")
    assert done.status == 2
    assert b"exclude each other" in done.stderr
