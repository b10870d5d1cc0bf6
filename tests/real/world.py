"""A world: its own network, mounts and process table, by Linux namespaces.

Process 1 of the world is a `cat` that reads a pipe from pytest. However pytest
ends, the pipe ends too, and the kernel kills all processes of the world.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from support.program import BUSY_S

from .parts import SYSTEM_PATH, program, require_a_world

# A documentation address (RFC 5737): docker treats registries on 127.0.0.0/8 as
# "insecure", and would accept a bad certificate there.
ADDRESS = "192.0.2.1"
SYSTEM_TRUST = "/etc/ssl/certs/ca-certificates.crt"
# Directories to which programs of root write, whatever their configuration says.
CLIENTS_STATE = ("/run", "/etc/docker", "/var/lib/containers")
SERVER_SECONDS = 3600
BARE_ENVIRONMENT = {"PATH": SYSTEM_PATH, "HOME": "/nonexistent", "LANG": "C.UTF-8"}

Result = subprocess.CompletedProcess[str]


class World:
    """Runs programs inside the namespaces of one holder process."""

    def __init__(self, directory: Path, holder: subprocess.Popen[bytes]) -> None:
        """Use the namespaces of the process `holder`; keep files in `directory`."""
        self.directory = directory
        self._holder = holder
        namespaces = Path(f"/proc/{holder.pid}/ns")
        # With --no-fork nsenter execs `timeout`, which passes a SIGTERM on; only the
        # child of `timeout` is in the world's process table.
        self._enter = [
            *(program("nsenter"), "--no-fork"),
            f"--net={namespaces}/net",
            f"--mount={namespaces}/mnt",
            f"--pid={namespaces}/pid_for_children",
            *(program("timeout"), "--kill-after=2"),
        ]

    def command(self, *argv: str, seconds: float = BUSY_S) -> list[str]:
        """Return the command line for a program in the world with a terminal or pipes.

        It stays in the foreground, since background processes cannot read a terminal.
        """
        return [*self._enter, "--foreground", str(seconds), *argv]

    def run(
        self,
        *argv: str,
        env: Mapping[str, str] = BARE_ENVIRONMENT,
        stdin: str = "",
        seconds: float = BUSY_S,
    ) -> Result:
        """Run a program to its end; exit code 124 means that time ran out."""
        return subprocess.run(
            [*self._enter, str(seconds), *argv],
            input=stdin,
            env=env,
            cwd=self.directory,
            capture_output=True,
            text=True,
            check=False,
        )

    def check(self, *argv: str) -> str:
        """Run a program that must succeed; return its stdout."""
        done = self.run(*argv)
        assert done.returncode == 0, f"{argv}: {done.stderr}{done.stdout}"
        return done.stdout

    @contextmanager
    def server(
        self,
        *argv: str,
        ready: Callable[[], bool],
        env: Mapping[str, str] | None = None,
        within_s: float = BUSY_S,
        name: str = "",
    ) -> Iterator[Path]:
        """Run a server; when `ready` returns True, yield the file of its output."""
        log = self.directory / f"{name or Path(argv[0]).name}.log"
        with (
            log.open("wb") as output,
            subprocess.Popen(
                [*self._enter, str(SERVER_SECONDS), *argv],
                env=env or BARE_ENVIRONMENT,
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            ) as process,
        ):
            try:
                deadline = time.monotonic() + within_s
                while not ready():
                    alive = process.poll() is None and time.monotonic() < deadline
                    assert alive, f"{argv[0]} does not start:\n{log.read_text()}"
                    time.sleep(0.02)
                yield log
            finally:
                process.terminate()

    def end(self) -> None:
        """Kill all processes of the world, before its directory is removed."""
        self._holder.kill()
        self._holder.wait()

    def listening(self, port: int) -> bool:
        """Return whether a server listens on the TCP port `port`."""
        return bool(self.check("ss", "-Hltn", f"sport = :{port}"))


@contextmanager
def open_world(
    hosts: tuple[str, ...], make_ca: Callable[[Path], Path]
) -> Iterator[World]:
    """Open a world in which `hosts` are at ADDRESS, with a temporary directory.

    Only the CA that `make_ca` writes into the directory is trusted.
    """
    require_a_world()
    with tempfile.TemporaryDirectory(prefix="dockcred-") as name:
        directory = Path(name)
        with _open(directory, hosts, make_ca(directory)) as world:
            yield world


@contextmanager
def _open(directory: Path, hosts: tuple[str, ...], ca: Path) -> Iterator[World]:
    namespaces = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    with subprocess.Popen(
        [program("unshare"), *namespaces, program("cat")],
        env=BARE_ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdin
        assert holder.stdout
        try:
            # `cat` echoes a line when the namespaces exist.
            holder.stdin.write(b"ready\n")
            holder.stdin.flush()
            assert holder.stdout.readline() == b"ready\n", "unshare failed"
            world = World(directory, holder)
            names = directory / "hosts"
            names.write_text(f"127.0.0.1 localhost\n{ADDRESS} {' '.join(hosts)}\n")
            world.check("ip", "link", "set", "lo", "up")
            world.check("ip", "address", "add", f"{ADDRESS}/32", "dev", "lo")
            world.check("mount", "--bind", str(names), "/etc/hosts")
            world.check("mount", "--bind", str(ca), SYSTEM_TRUST)
            for path in CLIENTS_STATE:
                tmpfs = ("mount", "-t", "tmpfs", "-o", "X-mount.mkdir", "world", path)
                world.check(*tmpfs)
            yield world
        finally:
            holder.kill()
