"""The loop's metrics, in the directory's file and on its port."""

from __future__ import annotations

import socket
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from support.figures import Figures
from support.program import BUSY_S, HOST, wait_until
from support.prometheus import free_port


def target(keeper, name: str = "a.json") -> dict[str, object]:
    path = str(keeper.home / name)
    return {"format": "docker-config", "registries": [HOST], "file": path}


def scraped(port: int, path: str = "/metrics") -> Figures:
    with urllib.request.urlopen(
        f"http://127.0.0.1:{port}{path}", timeout=BUSY_S
    ) as answer:
        assert answer.headers["content-type"] == "text/plain; version=0.0.4"
        return Figures(answer.read().decode())


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "collector"


def test_its_port_tells_what_was_minted_and_written(make_keeper, cloud):
    keeper, port = make_keeper(cloud), free_port()
    keeper.wants(target(keeper))
    with keeper.start("--metrics", f"127.0.0.1:{port}") as running:
        running.says("wrote")
        found = wait_until(
            lambda: (f := scraped(port))("refresh_first_end_timestamp_seconds") and f
        )
        assert found("mints_total", provider="ecr", program="dockcred-refresh") == 1
        assert found("gets_total", result="answered") == 1
        assert found("refresh_writes_total") == 1
        assert found("refresh_problems_total") == 0
        assert found("mint_seconds_count") == 1
        left = found("refresh_first_end_timestamp_seconds") - time.time()
        assert 11 * 3600 < left <= 12 * 3600
        with pytest.raises(urllib.error.HTTPError, match="404"):
            scraped(port, "/etc/passwd")


def test_failures_and_problems_are_counted_by_cause(make_keeper, cloud):
    keeper, port = make_keeper(cloud), free_port()
    cloud.fail("ecr:access-denied")
    keeper.wants(target(keeper))
    with keeper.start("--metrics", f"127.0.0.1:{port}") as running:
        running.says("AWS denies", times=2)
        found = wait_until(lambda: (f := scraped(port))("refresh_problems_total") and f)
        assert found("failures_total", cause="refused", provider="ecr") >= 2
        assert found("mints_total") == found("refresh_writes_total") == 0


def test_who_sends_nothing_keeps_nobody_away(make_keeper, cloud):
    keeper, port = make_keeper(cloud), free_port()
    keeper.wants(target(keeper))
    with keeper.start("--metrics", f"127.0.0.1:{port}") as running:
        running.says("wrote")
        silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(5)]
        assert scraped(port)("refresh_writes_total") == 1
        for each in silent:
            each.close()


def test_once_and_the_loop_add_to_the_same_file(make_keeper, cloud, directory):
    keeper = make_keeper(cloud, DOCKCRED_METRICS=str(directory), DOCKCRED_CACHE="off")
    keeper.wants(target(keeper))
    keeper.once()
    (keeper.home / "a.json").unlink()
    keeper.once()
    found = Figures.of(directory)
    assert found("mints_total", program="dockcred-refresh") == 2
    assert found("refresh_writes_total") == 2


def test_an_answer_of_the_cache_is_a_hit(make_keeper, cloud, ecr, directory):
    keeper = make_keeper(cloud, DOCKCRED_METRICS=str(directory))
    ecr.get(keeper.environment | {"DOCKCRED_METRICS": ""})
    keeper.wants(target(keeper))
    keeper.once()
    found = Figures.of(directory)
    assert found("cache_hits_total", program="dockcred-refresh", provider="ecr") == 1
    assert found("mints_total") == 0


def test_config_toml_names_the_directory_too(make_keeper, cloud, directory):
    keeper = make_keeper(cloud)
    file = Path(keeper.environment["HOME"], ".config/dockcred/config.toml")
    file.parent.mkdir(parents=True)
    file.write_text(f'metrics = "{directory}"\n')
    keeper.wants(target(keeper))
    keeper.once()
    assert Figures.of(directory)("refresh_writes_total") == 1


@pytest.mark.parametrize("address", ["9105", "127.0.0.1:", "127.0.0.1:x", "a:99999"])
def test_what_is_no_address_is_told(address, make_keeper, cloud):
    keeper = make_keeper(cloud, inside=True)
    keeper.wants(target(keeper))
    (line,) = keeper.fails("--metrics", address)
    assert "is no address with a port; write it as" in line


def test_a_port_that_is_taken_is_told(make_keeper, cloud):
    keeper = make_keeper(cloud, inside=True)
    keeper.wants(target(keeper))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        (line,) = keeper.fails("--metrics", f"127.0.0.1:{taken.getsockname()[1]}")
    assert "in use" in line


def test_the_port_is_for_the_loop_alone(make_keeper, cloud):
    keeper = make_keeper(cloud, inside=True)
    keeper.wants(target(keeper))
    assert keeper.run("--once", "--metrics", "127.0.0.1:0").status == 2
