"""Home directories, buses and keyrings that are removed at the end of a test."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

from support.program import BUSY_S

from dockcred.testing.store_contract import Answer, Helper

from .parts import PROGRAMS, SYSTEM_PATH, missing, ours, program


class Home:
    """A home directory, with an environment that inherits no variables."""

    def __init__(self, path: Path) -> None:
        # A Unix socket's path has at most 108 bytes: gpg and D-Bus need short ones.
        self.path = path
        self.variables = {
            "HOME": str(path),
            "PATH": f"{PROGRAMS}:{SYSTEM_PATH}",
            "DOCKCRED_TIMEOUT": "30",
        }

    @property
    def helper(self) -> Helper:
        return Helper(ours("docker-credential-keyring"), self.variables)

    def peer(self, name: str) -> Helper:
        return Helper(program(f"docker-credential-{name}"), self.variables)

    def with_variables(self, **variables: str) -> Helper:
        return Helper(
            ours("docker-credential-keyring"), {**self.variables, **variables}
        )

    def run(
        self, *arguments: str, text: str = "", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        name, *rest = arguments
        found = ours(name) if (PROGRAMS / name).exists() else program(name)
        return subprocess.run(
            [found, *rest],
            input=text,
            capture_output=True,
            text=True,
            env={**self.variables, **variables},
            timeout=BUSY_S,
            check=False,
        )

    def everything(self) -> bytes:
        """Return the names and contents of all files below the home directory."""
        parts = []
        for directory, _, files in os.walk(self.path):
            for file in files:
                full = Path(directory) / file
                if full.is_file():
                    parts += [str(full).encode(), full.read_bytes()]
        return b"\n".join(parts)


class Desk(Home):
    """A home directory with a session bus, and gnome-keyring if it is started."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        runtime = path / "run"
        runtime.mkdir(mode=0o700)
        self.variables["XDG_RUNTIME_DIR"] = str(runtime)
        self.variables["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={runtime}/bus"
        self._children: list[subprocess.Popen[bytes]] = []
        self.keyring: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        # A bus without service files does not start services on demand.
        configuration = self.path / "bus.conf"
        configuration.write_text(
            "<busconfig><type>session</type>"
            f"<listen>{self.variables['DBUS_SESSION_BUS_ADDRESS']}</listen>"
            '<policy context="default"><allow send_destination="*" eavesdrop="true"/>'
            '<allow eavesdrop="true"/><allow own="*"/></policy></busconfig>'
        )
        self._start("dbus-daemon", f"--config-file={configuration}", "--nofork")
        self._wait_for(self._is_listening, "dbus-daemon")
        return self

    def __exit__(self, *_: object) -> None:
        for child in reversed(self._children):
            with contextlib.suppress(ProcessLookupError):
                child.send_signal(signal.SIGCONT)
                child.kill()
            child.wait()

    def start_keyring(self, password: str | None) -> None:
        """Start gnome-keyring: unlocked with a password; None: without unlocking."""
        unlock = ["--unlock"] if password is not None else []
        self.keyring = self._start(
            "gnome-keyring-daemon",
            "--foreground",
            "--components=secrets",
            *unlock,
            text=password or "",
        )
        self._wait_for(self._owner, "gnome-keyring-daemon")

    def run_remedy(self, said: bytes, password: str) -> None:
        """Run the command that a message names; the process ends with the test."""
        command = said.decode().partition("run '")[2].partition("'")[0].split()
        before = self._owner()
        self._start(*command, "--foreground", text=password)
        self._wait_for(lambda: self._owner() not in {before, ""}, command[0])

    def stop_keyring(self) -> None:
        assert self.keyring is not None
        self.keyring.kill()
        self.keyring.wait()

    def _is_listening(self) -> bool:
        with socket.socket(socket.AF_UNIX) as door:
            return door.connect_ex(str(self.path / "run/bus")) == 0

    def _owner(self) -> str:
        """Return the bus name of the Secret Service's connection, or ""."""
        found = self.run(
            "dbus-send",
            "--session",
            "--print-reply=literal",
            "--dest=org.freedesktop.DBus",
            "/",
            "org.freedesktop.DBus.GetNameOwner",
            "string:org.freedesktop.secrets",
        )
        return found.stdout.strip()

    def _start(
        self, name: str, *arguments: str, text: str = ""
    ) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(
            [program(name), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=self.variables,
            start_new_session=True,
        )
        assert child.stdin is not None
        child.stdin.write(text.encode())
        child.stdin.close()
        self._children.append(child)
        return child

    def _wait_for(self, ready: object, name: str) -> None:
        give_up = time.monotonic() + BUSY_S
        while not ready():  # type: ignore[operator]
            if time.monotonic() > give_up:
                missing(f"{name} did not start")
            time.sleep(0.02)


@contextlib.contextmanager
def short_directory():
    """Make a directory whose path is short enough for sockets in it."""
    path = tempfile.mkdtemp(prefix="dc-", dir="/tmp")
    try:
        yield Path(path)
    finally:
        shutil.rmtree(path, ignore_errors=True)


def set_up_pass(home: Home) -> None:
    """Make a temporary GPG key without a passphrase, and a `pass` store for it."""
    (home.path / ".gnupg").mkdir(mode=0o700)
    made = home.run(
        "gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key",
        "test@example.invalid", "default", "default", "never",
    )  # fmt: skip
    if made.returncode:
        missing(f"gpg makes no key here: {made.stderr.strip()[-200:]}")
    made = home.run("pass", "init", "test@example.invalid")
    if made.returncode:
        missing(f"pass makes no store here: {made.stderr.strip()[-200:]}")


def stop_gpg(home: Home) -> None:
    home.run("gpgconf", "--kill", "all")


def fields(answer: Answer) -> dict[str, str]:
    """Parse the answer of a get or a list, which must have succeeded."""
    assert answer.status == 0, answer
    found: dict[str, str] = json.loads(answer.stdout)
    return found
