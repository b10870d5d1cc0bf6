"""Every program of ours limits core files, umask and inherited descriptors."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support import real
from support.program import BUSY_S, HOST, wait_until

from dockcred.commands import COMMANDS

ROOT = Path(__file__).parents[2]
SCRIPTS: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text())[
    "project"
]["scripts"]
HELPERS = sorted(set(SCRIPTS) - {"dockcred"})
REPORT = """
import atexit, os, sys
def report():
    import resource
    umask = os.umask(0o077)
    print(umask, resource.getrlimit(resource.RLIMIT_CORE)[0], file=seen, flush=True)
seen = os.fdopen(int(sys.argv.pop(1)), "w")
atexit.register(report)
from dockcred.commands import main
main()
"""


def generous() -> None:
    """Set the limits of a careless caller: full core files, files that all can read."""
    os.umask(0o022)
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


def state(pid: int) -> tuple[str, str]:
    """Return a process's umask, and its soft limit of core files in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    umask = status.partition("Umask:\t")[2].split("\n")[0]
    limits = Path(f"/proc/{pid}/limits").read_text().split("\n")
    (core,) = [line for line in limits if line.startswith("Max core file size")]
    return umask, core.split()[4]


HARDENED = "0077", "1"


@contextmanager
def running(command: list[str], **options: object) -> Iterator[subprocess.Popen[bytes]]:
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(
        command,
        preexec_fn=generous,  # noqa: PLW1509 - no threads here
        **(pipes | options),  # type: ignore[call-overload]
    ) as process:
        try:
            yield process
        finally:
            process.kill()
            process.communicate()


@pytest.mark.parametrize("program", HELPERS)
def test_a_helper_is_hardened_before_it_has_read_its_request(
    program: str, helper_bin: Path, tmp_path: Path
) -> None:
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    with running([str(helper_bin / program), "get"], env=environment) as process:
        wait_until(lambda: state(process.pid) == HARDENED)


@pytest.mark.parametrize("name", ["", *sorted(COMMANDS)])
def test_every_subcommand_is_hardened(
    name: str, helper_bin: Path, tmp_path: Path
) -> None:
    """The program's entry does it, before any subcommand runs."""
    reading, writing = os.pipe()
    subprocess.run(
        [helper_bin / "python", "-c", REPORT, str(writing), *name.split(), "--help"],
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        preexec_fn=generous,
        pass_fds=[writing],
        capture_output=True,
        timeout=BUSY_S,
        check=True,
    )
    os.close(writing)
    with os.fdopen(reading) as seen:
        assert seen.read().split() == [str(0o077), "1"]


def test_a_launcher_leaves_python_its_own_limit(
    helper_bin: Path, tmp_path: Path
) -> None:
    """sh cannot set a limit of one byte, and a lowered hard limit stays lowered."""
    subprocess.run(
        [helper_bin / "dockcred", "install", "--dir", tmp_path],
        capture_output=True,
        check=True,
    )
    launcher = tmp_path / "docker-credential-ecr-login"
    done = subprocess.run(
        [
            "sh",
            "-c",
            launcher.read_text().partition("\nstart()")[0]
            + "\nulimit -S -c; ulimit -H -c",
        ],
        preexec_fn=generous,
        capture_output=True,
        text=True,
        check=False,
    )
    soft, hard = done.stdout.split()
    assert (soft, hard != "0") == ("0", True)


@pytest.fixture
def refreshing(cloud, helper_bin, tmp_path) -> tuple[list[str], dict[str, str]]:
    target = {"format": "docker-config", "registries": [HOST]}
    target["file"] = str(tmp_path / "config.json")
    lines = [f"{name} = {json.dumps(value)}" for name, value in target.items()]
    (tmp_path / "refresh.toml").write_text("\n".join(("[[target]]", *lines)) + "\n")
    command = [str(helper_bin / "dockcred"), "refresh", str(tmp_path / "refresh.toml")]
    return command, cloud.environment()


@pytest.fixture
def token_service(helper_bin, tmp_path) -> tuple[list[str], dict[str, str]]:
    keys = str(tmp_path / "keys")
    program = str(helper_bin / "dockcred")
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    subprocess.run(
        [program, "token-service", "keygen", "--keys", keys],
        env=environment,
        capture_output=True,
        check=True,
    )
    options = {
        "--issuer": "https://issuer.example",
        "--audience": "registry.example",
        "--keys": keys,
        "--listen": "127.0.0.1:0",
    }
    words = [word for pair in options.items() for word in pair]
    return [program, "token-service", *words], environment


WITHOUT_POWERS = () if os.geteuid() else ("setpriv", "--bounding-set=-all")
"""Drops root's capabilities: root could read the memory of every process."""


@pytest.mark.parametrize("which", ["refreshing", "token_service"])
def test_what_lives_long_is_hardened_and_hides_its_memory(
    which: str, request: pytest.FixtureRequest
) -> None:
    """Not even its own user may read the memory of a process that is not dumpable."""
    if WITHOUT_POWERS:
        real.program("setpriv")
    with running([*WITHOUT_POWERS, "sleep", "60"]) as twin:
        try:
            wait_until(lambda: is_open(twin.pid))
        except AssertionError:
            pytest.skip("no process may look into another here")
    command, environment = request.getfixturevalue(which)
    command = [*WITHOUT_POWERS, *command]
    with running(command, env=environment, stdin=subprocess.DEVNULL) as process:
        wait_until(lambda: state(process.pid) == HARDENED)
        wait_until(lambda: not is_open(process.pid))


def is_open(pid: int) -> bool:
    """Return whether a process without capabilities may read another's variables."""
    done = subprocess.run(
        [*WITHOUT_POWERS, "cat", f"/proc/{pid}/environ"],
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


def test_the_commands_that_a_person_runs_get_the_persons_limits(
    helper_bin: Path, cloud, tmp_path: Path
) -> None:
    dockcred = str(helper_bin / "dockcred")
    inner = ["sh", "-c", "umask; ulimit -S -c; ulimit -H -c"]
    plain = subprocess.run(
        inner, preexec_fn=generous, capture_output=True, text=True, check=True
    ).stdout
    for command in (
        [dockcred, "sandbox", "--", *inner],
        [dockcred, "exec", "--registry", HOST, "--", *inner],
    ):
        done = subprocess.run(
            command,
            env=cloud.environment(),
            preexec_fn=generous,
            capture_output=True,
            text=True,
            timeout=BUSY_S,
            check=False,
        )
        assert done.stdout == plain, done.stderr


def test_what_is_for_all_to_read_is_written_as_the_caller_would(
    helper_bin: Path, tmp_path: Path
) -> None:
    manual = tmp_path / "man/man1"
    subprocess.run(
        [helper_bin / "dockcred", "manual", manual],
        preexec_fn=generous,
        capture_output=True,
        check=True,
    )
    modes = {path.stat().st_mode & 0o777 for path in manual.iterdir()}
    assert modes == {0o644}
    assert manual.stat().st_mode & 0o777 == 0o755


def test_a_limit_that_the_caller_has_set_to_nothing_is_kept(
    helper_bin: Path, tmp_path: Path
) -> None:
    """Only root may raise it again. There is no error, and no core file."""
    if os.geteuid():
        user: dict[str, object] = {}
    else:
        user = {"user": 65534, "group": 65534, "extra_groups": []}
    code = (
        "import resource as r; r.setrlimit(r.RLIMIT_CORE, (0, 0));"
        "from dockcred.system import process; process.harden();"
        "print(*r.getrlimit(r.RLIMIT_CORE))"
    )
    source = str(Path(sys.modules["dockcred"].__path__[0]).parent)
    done = subprocess.run(
        [
            "/usr/bin/env",
            "python3",
            "-c",
            f"import sys; sys.path.insert(0, {source!r}); {code}",
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        **user,  # type: ignore[call-overload]
    )
    if "Permission denied" in done.stderr or "No module named" in done.stderr:
        pytest.skip("another user cannot run this tree")
    assert done.stdout == "0 0\n", done.stderr


def test_no_handler_of_cores_is_started_for_us(
    helper_bin: Path, tmp_path: Path
) -> None:
    """Handlers of systemd and Ubuntu get all memory at a limit of 0 too, so ours is 1.

    core_pattern applies to the whole machine. So this changes it only by night,
    briefly, and if it is allowed.
    """
    pattern = Path("/proc/sys/kernel/core_pattern")
    if not os.environ.get("DOCKCRED_NIGHT") or not os.access(pattern, os.W_OK):
        pytest.skip("DOCKCRED_NIGHT is not set, or the core pattern is not ours to set")
    handler = tmp_path / "handler"
    handler.write_text(f'#!/bin/sh\ncat >/dev/null; echo "$1" >>{tmp_path}/dumped\n')
    handler.chmod(0o755)
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    before = pattern.read_text()
    try:
        pattern.write_text(f"|{handler} %p")
        command = [str(helper_bin / "docker-credential-ecr-login"), "get"]
        with running(command, env=environment) as process:
            wait_until(lambda: state(process.pid) == HARDENED)
            process.send_signal(signal.SIGABRT)
            process.communicate(timeout=BUSY_S)
        # This shows that the handler works: the same crash with a limit of 0.
        twin = subprocess.run(
            ["sh", "-c", "ulimit -c 0; kill -ABRT $$"], check=False, capture_output=True
        )
        assert twin.returncode == -signal.SIGABRT
        wait_until((tmp_path / "dumped").exists)
    finally:
        pattern.write_text(before)
    assert str(process.pid) not in (tmp_path / "dumped").read_text().split()
