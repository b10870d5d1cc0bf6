"""Another program asked on our behalf: by absolute path, bounded, without our secrets.

It gets no stdin, all variables but the secret ones, a session of its own, and is
ended with all its children when its time is over.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time

from dockcred import watchdog
from dockcred.errors import IssueError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.environment import Environment

MAX_OUTPUT_BYTES = 256 * 1024
_WRITABLE_BY_ALL = 0o002


class Outcome:
    """What a program left: its status and what it wrote, cut to MAX_OUTPUT_BYTES."""

    __slots__ = ("errors", "output", "status")

    def __init__(self, status: int, output: str, errors: str) -> None:
        """Hold the three; neither text is fit to be shown."""
        self.status = status
        self.output = output
        self.errors = errors


def find(name: str, environment: Environment) -> str:
    """Answer a program's absolute path, nothing where PATH has none to be trusted.

    Relative elements and directories that everybody can write are passed over:
    whoever writes there would be asked for the credential (CVE-2019-15752).
    """
    for directory in environment.get("PATH").split(os.pathsep):
        path = f"{directory}/{name}"
        if not directory.startswith("/") or not os.access(path, os.X_OK):
            continue
        if os.path.isfile(path) and not os.stat(directory).st_mode & _WRITABLE_BY_ALL:
            return path
    return ""


def run(
    command: list[str],
    environment: Environment,
    *,
    timeout_s: float,
    variables: dict[str, str] | None = None,
) -> Outcome:
    """Run a program to its end; IssueError where it does not start or takes too long.

    `variables` come on top of the environment's own.
    """
    name = os.path.basename(command[0])
    watchdog.doing(f"waiting for {name}")
    try:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment.without_secrets() | (variables or {}),
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        raise IssueError(
            f"{name} could not be started ({error.strerror})", f"see {command[0]}"
        ) from None
    with child:
        try:
            output, errors = _read(child, time.monotonic() + timeout_s)
            status = child.wait(timeout_s)
        except (TimeoutError, subprocess.TimeoutExpired):
            raise IssueError(
                f"{name} did not answer within {timeout_s:g} s",
                f"run {name} by hand to see what it waits for",
            ) from None
        finally:
            _end(child)
    return Outcome(status, output, errors)


def _read(child: subprocess.Popen[bytes], deadline: float) -> tuple[str, str]:
    """Read both streams to their ends, keeping the start of each."""
    import selectors  # noqa: PLC0415 - where a program is run only

    kept = {"output": b"", "errors": b""}
    with selectors.DefaultSelector() as streams:
        for name, stream in (("output", child.stdout), ("errors", child.stderr)):
            if stream:
                streams.register(stream, selectors.EVENT_READ, name)
        while streams.get_map():
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            for key, _ in streams.select(left):
                chunk = os.read(key.fd, 65536)
                if not chunk:
                    streams.unregister(key.fileobj)
                elif len(kept[key.data]) < MAX_OUTPUT_BYTES:
                    kept[key.data] += chunk
    return kept["output"].decode("utf-8", "replace"), kept["errors"].decode(
        "utf-8", "replace"
    )


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the program's whole session, so that nothing of it stays behind."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except OSError:
        return
