"""With DOCKCRED_METRICS all requests are counted, after the answer was given."""

from __future__ import annotations

import ast
import fcntl
import json
import os
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from support import entries, kubelet
from support.figures import Figures
from support.program import BUSY_S, HOST, LONG_S, Program, wait_until
from support.real import program, require_root

import dockcred
from dockcred.system import metrics, prometheus_file
from dockcred.testing.sandbox import Sandbox

HELPER = "docker-credential-ecr-login"


@pytest.fixture
def cloud():
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "collector"


@pytest.fixture
def counting(cloud: Sandbox, directory: Path) -> dict[str, str]:
    """Return variables with which requests are counted."""
    return cloud.environment("env-keys") | {"DOCKCRED_METRICS": str(directory)}


@contextmanager
def held(directory: Path):
    """Hold the lock of the metrics file, as a stopped process does."""
    path = directory / f".dockcred-{os.geteuid()}.lock"
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def test_hits_mints_throttles_and_failures_are_told_apart(
    ecr, cloud, counting, directory
):
    for _ in range(3):
        assert ecr.get(counting).status == 0
    cloud.fail("ecr:throttle:1")
    assert ecr.get(counting | {"DOCKCRED_CACHE": "off"}).status == 0
    cloud.fail("ecr:access-denied:1")
    assert ecr.get(counting | {"DOCKCRED_CACHE": "off"}).status == 1
    assert ecr.get(counting, "registry.example").status == 1
    found = Figures.of(directory)
    assert found("gets_total", provider="ecr", result="answered") == 4
    assert found("gets_total", provider="ecr", result="failed") == 1
    assert found("gets_total", provider="none", result="not_found") == 1
    assert found("cache_hits_total") == 2
    assert found("mints_total", program=HELPER) == 2
    assert found("throttles_total") == 1
    assert found("failures_total", cause="refused") == found("failures_total") == 1
    assert found("mint_seconds_count") == 3
    assert found("mint_seconds_bucket", le="+Inf") == 3
    assert 0 < found("mint_seconds_sum") < 60


def test_there_is_no_host_no_account_and_no_secret_in_it(
    ecr, cloud, counting, directory
):
    secret = ecr.get(counting).password
    ecr.get(counting, "stranger.example")
    cloud.fail("ecr:access-denied:1")
    ecr.get(counting | {"DOCKCRED_CACHE": "off"})
    found = Figures.of(directory)
    assert secret not in found.text
    words = {"ecr", "none", HELPER, str(os.geteuid())}
    assert found.labels == words | {*prometheus_file.RESULTS, *prometheus_file.CAUSES}


def test_a_program_or_provider_of_another_s_making_is_no_label():
    meter = metrics.Meter('x"} 1\nevil{a="', "")
    meter.got(b"", "Registry.Example")
    (series,) = meter.take()
    assert series[1].count("other") == 2


def test_who_does_not_want_figures_has_none(ecr, cloud, directory):
    assert ecr.get(cloud.environment("env-keys")).status == 0
    assert not directory.exists()


def test_it_can_be_read_by_all_and_its_lock_by_nobody_else(ecr, counting, directory):
    ecr.get(counting)
    modes = {path.name: path.stat().st_mode & 0o777 for path in directory.iterdir()}
    user = os.geteuid()
    assert modes == {f"dockcred-{user}.prom": 0o644, f".dockcred-{user}.lock": 0o600}
    assert directory.stat().st_mode & 0o777 == 0o755


def test_nobody_waits_for_the_file_and_nothing_is_lost(ecr, counting, directory):
    ecr.get(counting)
    with held(directory):
        answers = [ecr.get(counting) for _ in range(3)]
        assert all((a.status, a.stderr) == (0, b"") for a in answers)
        assert Figures.of(directory)("gets_total") == 1
        left = [p for p in directory.iterdir() if p.suffix == ".more"]
        assert [path.stat().st_mode & 0o777 for path in left] == [0o600] * 3
    ecr.get(counting)
    assert Figures.of(directory)("gets_total") == 5
    assert not [path for path in directory.iterdir() if path.suffix == ".more"]


def test_what_is_left_beside_it_has_a_bound(directory, monkeypatch):
    monkeypatch.setattr(prometheus_file, "_MOST_ASIDE", 4)
    directory.mkdir()
    with held(directory):
        for _ in range(9):
            prometheus_file.write(str(directory), {("dockcred_mints_total", ""): 1.0})
        assert len(list(directory.glob(".*.more"))) == 4


SERIES = ("dockcred_mints_total", 'uid="0",program="x",provider="ecr"')


def test_whoever_holds_the_lock_looks_once_more(directory, monkeypatch):
    """Another process adds metrics after all were added, before the lock is free."""
    add, came = prometheus_file._add, []

    def crowded(*arguments):
        add(*arguments)
        if not came:
            came.append(True)
            prometheus_file.write(str(directory), {SERIES: 1.0})
            assert list(directory.glob(".*.more"))

    monkeypatch.setattr(prometheus_file, "_add", crowded)
    prometheus_file.write(str(directory), {SERIES: 1.0})
    assert Figures.of(directory)("mints_total") == 2
    assert not list(directory.glob(".*.more"))


def test_of_fifty_writers_at_once_none_is_lost(directory):
    directory.mkdir()
    children = []
    for _ in range(50):
        if (child := os.fork()) == 0:
            for _ in range(4):
                prometheus_file.write(str(directory), {SERIES: 1.0})
            os._exit(0)
        children.append(child)
    for child in children:
        assert os.waitpid(child, 0)[1] == 0
    assert Figures.of(directory)("mints_total") == 200
    assert not list(directory.glob(".*.more"))


@pytest.mark.slow
def test_of_fifty_plugins_at_once_none_is_lost(helper_bin, cloud, directory, tmp_path):
    plugin = Program(str(helper_bin / "dockcred-credential-provider"))
    variables = cloud.environment("env-keys") | {
        "DOCKCRED_METRICS": str(directory),
        "DOCKCRED_CACHE_DIR": str(tmp_path / "cache"),
    }
    with ThreadPoolExecutor(50) as pool:
        ask = partial(plugin, environment=variables, stdin=kubelet.request())
        answers = list(pool.map(lambda _: ask(), range(50)))
    assert {(each.status, each.stderr) for each in answers} == {(0, b"")}
    found = Figures.of(directory)
    assert found("gets_total", program="dockcred-credential-provider") == 50
    assert found("cache_hits_total") + found("mints_total") <= 50
    assert found("failures_total") == 0
    assert found("mints_total") == cloud.calls["ecr:GetAuthorizationToken"]


def test_a_killed_writer_leaves_nothing(ecr, counting, directory):
    ecr.get(counting)
    user = os.geteuid()
    leftovers = [
        f"dockcred-{user}.prom.{'a' * 16}.new",
        f".dockcred-{user}.{'b' * 16}.more.{'c' * 16}.new",
    ]
    for name in leftovers:
        (directory / name).touch()
    ecr.get(counting)
    assert not [path for path in directory.iterdir() if path.suffix == ".new"]


def test_a_file_that_is_none_begins_anew(ecr, counting, directory):
    ecr.get(counting)
    (path,) = directory.glob("*.prom")
    path.write_bytes(b'\xff\x00 dockcred_gets_total{ NaN\nother{a="b"} 7\n# x\n' * 9)
    assert ecr.get(counting).status == 0
    assert Figures.of(directory)("cache_hits_total") == 1
    assert "other{" not in path.read_text()


def test_a_link_in_its_place_is_not_followed(ecr, counting, directory, tmp_path):
    directory.mkdir()
    (tmp_path / "mine").write_text("kept\n")
    (directory / f"dockcred-{os.geteuid()}.prom").symlink_to(tmp_path / "mine")
    assert ecr.get(counting).status == 0
    assert (tmp_path / "mine").read_text() == "kept\n"
    assert Figures.of(directory)("gets_total") == 1


def test_what_another_user_has_put_there_is_not_believed(ecr, counting, directory):
    require_root("a file of another user")
    ecr.get(counting)
    (path,) = directory.glob("*.prom")
    path.write_text(path.read_text().replace(" 1\n", " 1000\n"))
    os.chown(path, 65534, 65534)
    ecr.get(counting)
    assert Figures.of(directory)("gets_total") == 1


def test_two_users_have_a_file_each():
    require_root("another user")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o1777)
        _count_as_two_users(directory)
        found = Figures.of(directory)
    assert found("gets_total", uid="0") == found("gets_total", uid="65534") == 1


def _count_as_two_users(directory):
    for user in (0, 65534):
        if (child := os.fork()) == 0:
            os.setuid(user)
            meter = metrics.Meter(HELPER, str(directory))
            meter.got(b"", "ecr")
            meter.write()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize(
    "place", ["relative", "/proc/none/x", "/dev/full", "/dev/null"]
)
def test_a_place_that_cannot_be_written_fails_no_get(place, ecr, counting):
    answer = ecr.get(counting | {"DOCKCRED_METRICS": place})
    assert (answer.status, answer.stderr) == (0, b"")
    shown = ecr.get(counting | {"DOCKCRED_METRICS": place, "DOCKCRED_LOG": "info"})
    assert b"DOCKCRED_METRICS: nothing was counted" in shown.stderr


def test_the_answer_is_given_before_anything_is_written(
    ecr, counting, directory, tmp_path
):
    strace = program("strace")
    ecr.get(counting)
    log = tmp_path / "calls"
    done = subprocess.run(
        [
            strace,
            "-f",
            "-o",
            log,
            "-e",
            "trace=write,openat,rename,flock",
            ecr.path,
            "get",
        ],
        env=counting,
        input=HOST.encode(),
        capture_output=True,
        timeout=BUSY_S,
        check=True,
    )
    assert json.loads(done.stdout)["Secret"]
    calls = log.read_text().splitlines()
    answered = next(n for n, call in enumerate(calls) if "write(1" in call)
    there = [n for n, call in enumerate(calls) if str(directory) in call]
    assert there
    assert min(there) > answered


HANGS = f"""
import sys, time
import docker_credential_ecr_login
from dockcred.system import prometheus_file
prometheus_file.write = lambda *_: time.sleep({LONG_S})
sys.argv[1:] = ["get"]
docker_credential_ecr_login.main()
"""


@pytest.mark.parametrize("host, status", [(HOST, 0), ("registry.example", 1)])
def test_a_disk_that_hangs_holds_nobody_up(host, status, ecr, helper_bin, counting):
    """Nor does it change an answer that was given."""
    ecr.get(counting)
    python = Program(str(helper_bin / "python"))
    answer = python("-c", HANGS, environment=counting, stdin=host.encode())
    assert (answer.status, answer.stderr) == (status, b"")
    assert answer.stdout.count(b"\n") == 1
    assert answer.seconds > 1.5


def test_a_call_that_runs_out_of_time_is_counted(ecr, cloud, counting, directory):
    cloud.fail("ecr:hang")
    assert "gave up after 1 s" in ecr.get(counting | {"DOCKCRED_TIMEOUT": "1"}).said
    found = Figures.of(directory)
    assert found("failures_total", cause="timed_out") == 1
    assert found("gets_total", result="failed") == 1


def test_a_refresh_in_the_background_is_counted(ecr, cloud, counting, directory):
    ecr.get(counting)
    entries.age_to(entries.only(counting), 0.51)
    ecr.get(counting)
    wait_until(lambda: Figures.of(directory)("mints_total") == 2)
    assert Figures.of(directory)("gets_total") == 2


def test_a_refresh_in_the_background_that_fails_is_counted(
    ecr, cloud, counting, directory
):
    ecr.get(counting)
    entries.age_to(entries.only(counting), 0.51)
    cloud.fail("ecr:access-denied")
    assert ecr.get(counting).status == 0
    wait_until(lambda: Figures.of(directory)("failures_total", cause="refused") == 1)
    assert Figures.of(directory)("gets_total", result="failed") == 0


def test_config_toml_names_the_directory_too(ecr, cloud, counting, directory):
    variables = counting | {"DOCKCRED_METRICS": ""}
    file = Path(variables["HOME"], ".config/dockcred/config.toml")
    file.parent.mkdir(parents=True)
    file.write_text(f'metrics = "{directory}"\n')
    ecr.get(variables)
    assert Figures.of(directory)("gets_total") == 1


def test_an_empty_answer_is_none(ecr, counting, directory):
    """Nomad needs the empty answer; it is counted as not found."""
    answer = ecr.get(counting | {"DOCKCRED_ON_MISS": "empty"}, "registry.example")
    assert answer.password == ""
    assert Figures.of(directory)("gets_total", result="not_found") == 1


def test_the_plugin_of_a_node_reads_it_there_too(
    helper_bin, cloud, directory, tmp_path
):
    plugin = Program(str(helper_bin / "dockcred-credential-provider"))
    file = tmp_path / "config.toml"
    file.write_text(f'metrics = "{directory}"\n')
    node = cloud.environment("env-keys") | {
        "DOCKCRED_CONFIG": str(file),
        "DOCKCRED_CACHE_DIR": str(tmp_path / "cache"),
    }
    for image in (kubelet.IMAGE, kubelet.IMAGE, "registry.example/app"):
        kubelet.response(plugin(environment=node, stdin=kubelet.request(image)))
    found = Figures.of(directory)
    assert found("cache_hits_total", program="dockcred-credential-provider") == 1
    assert found("mints_total") == 1
    assert found("gets_total", result="answered") == 2
    assert found("gets_total", result="not_found") == 1


def test_store_list_and_erase_are_no_requests(ecr, counting, directory):
    ecr("list", environment=counting)
    ecr("erase", environment=counting, stdin=HOST.encode())
    assert not directory.exists()


def test_what_is_read_is_what_was_written():
    meter = metrics.Meter(HELPER, "")
    meter.provider = "ecr"
    meter.minted(0.3, gave=True)
    meter.got(b"")
    meter.hit()
    figures = meter.take()
    prometheus_file.complete(figures)
    assert prometheus_file.parse(prometheus_file.render(figures)) == figures


def test_every_throttle_is_counted_as_one():
    """All code that reports throttling must raise an error that is counted so."""
    code = Path(dockcred.__file__).parent
    found = {}
    for path in code.glob("providers/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and "throttles " in ast.unparse(
                node.args[:1] or node
            ):
                found.setdefault(ast.unparse(node.func), []).append(path.name)
    found.pop("sub", None)
    assert {name for name in found if name.endswith("Error")} == {
        "ThrottledError",
        "BusyError",
    }


def test_every_cause_is_told_of_and_every_one_told_of_is_a_cause():
    assert {word for _, word in metrics.CAUSES} == set(prometheus_file.CAUSES)


def test_a_kind_is_looked_for_before_those_that_it_is_one_of():
    kinds = [kind for kind, _ in metrics.CAUSES]
    for number, kind in enumerate(kinds):
        assert not any(issubclass(later, kind) for later in kinds[number + 1 :])
