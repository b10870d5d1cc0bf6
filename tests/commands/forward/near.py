"""A running `dockcred forward` (the near side), and helpers that have only its socket.

The helpers are the far side. They get no identity and no home, only DOCKCRED_FORWARD.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.program import BUSY_S, HOST, Answer, Program, wait_until

SYSTEM = "/usr/bin:/bin"


@dataclass
class Near:
    """The near side: its process, the socket's path, and the log it prints."""

    process: subprocess.Popen[str]
    path: str
    log: Path
    helper_bin: Path
    environment: dict[str, str]
    far: dict[str, str] = field(default_factory=dict)

    def told(self) -> str:
        return self.log.read_text()

    def lines(self) -> list[str]:
        """Return the log's lines about requests, without the times."""
        return [line.partition(" ")[2] for line in self.told().splitlines()[1:]]

    def ask(
        self, verb: str, text: str = HOST, *, program="docker-credential-auto", **more
    ) -> Answer:
        """Run an installed helper that has nothing but the socket."""
        return Program(str(self.helper_bin / program))(
            verb, environment=self.far | more, stdin=text.encode()
        )

    def send(self, frame: bytes, within_s: float = BUSY_S) -> dict[str, Any]:
        """Send a request's bytes unchanged, and return the answer."""
        return send(self.path, frame, within_s)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(BUSY_S)


def send(path: str, frame: bytes, within_s: float = BUSY_S) -> dict[str, Any]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(within_s)
        connection.connect(path)
        connection.sendall(frame)
        connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as answers:
            line = answers.readline()
    return json.loads(line) if line else {}


@contextmanager
def forwarding(
    helper_bin: Path, environment: dict[str, str], scratch: Path, *options: str
) -> Iterator[Near]:
    """Run `dockcred forward` until the block ends."""
    log = scratch / "told"
    path = str(scratch / "s")
    far = {"PATH": f"{helper_bin}:{SYSTEM}", "DOCKCRED_FORWARD": path}
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [helper_bin / "dockcred", "forward", "--socket", path, *options],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    with process:
        try:
            wait_until(lambda: process.poll() is not None or Path(path).exists())
            assert process.stdout
            assert process.stdout.readline() == f"export DOCKCRED_FORWARD={path}\n", (
                log.read_text()
            )
            yield Near(process, path, log, helper_bin, environment, far)
        finally:
            process.send_signal(signal.SIGCONT)
            process.kill()
