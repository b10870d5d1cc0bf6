"""Programs that have read a client's file and will write all of it back.

`docker login` reads config.json when it starts and writes it when the registry has
answered, as do its like: what has been changed in between is gone, without a word.
Whoever has changed the file waits for those that were there before, and looks again.

Linux only, and this process table only: elsewhere nobody is seen and nobody waited for.
"""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_WAIT_S = 10.0
_PAUSE_S = 0.02
_CLIENTS = {
    "buildah", "crane", "docker", "helm", "nerdctl", "oras", "podman", "regctl",
    "skopeo",
}  # fmt: skip
_WRITING = {b"context", b"login", b"logout"}
_SHOWN_WORDS = 2


def wait(path: str, max_wait_s: float = MAX_WAIT_S) -> str:
    """Wait for those that may have read the file before now; name one that stays.

    Returns nothing where none is left.
    """
    left = {pid: words for pid, words in _processes() if _may_write(pid, words, path)}
    give_up = time.monotonic() + max_wait_s
    while left and time.monotonic() < give_up:
        time.sleep(_PAUSE_S)
        left = {pid: words for pid, words in left.items() if _words(pid) == words}
    for pid, words in left.items():
        return f"{_name(words)} {_verb(words)} (process {pid})"
    return ""


def _processes() -> Iterable[tuple[str, list[bytes]]]:
    try:
        pids = [name for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return
    for pid in pids:
        if words := _words(pid):
            yield pid, words


def _words(pid: str) -> list[bytes]:
    """Return a process's command line; nothing where it has ended."""
    return _read(f"/proc/{pid}/cmdline").split(b"\0")[:-1]


def _name(words: list[bytes]) -> str:
    return os.path.basename(words[0]).decode("utf-8", "replace")


def _verb(words: list[bytes]) -> str:
    return next(word for word in words if word in _WRITING).decode()


def _may_write(pid: str, words: list[bytes], path: str) -> bool:
    if _name(words) not in _CLIENTS or _WRITING.isdisjoint(words[1:]):
        return False
    try:
        if os.stat(f"/proc/{pid}").st_uid not in {os.geteuid(), os.stat(path).st_uid}:
            return False
    except OSError:
        return False
    return _name(words) != "docker" or _is_dockers(pid, words, path)


def _is_dockers(pid: str, words: list[bytes], path: str) -> bool:
    """Return whether the file is the one of this docker, as far as it can be known."""
    variables = dict(
        line.partition(b"=")[::2] for line in _read(f"/proc/{pid}/environ").split(b"\0")
    )
    home = variables.get(b"HOME")
    directory = variables.get(b"DOCKER_CONFIG") or (home and home + b"/.docker")
    if not directory or any(word.startswith(b"--config") for word in words):
        return True
    return os.path.realpath(directory + b"/config.json") == os.fsencode(path)


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""
