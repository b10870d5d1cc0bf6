"""Log lines on stderr, if DOCKCRED_LOG asks for them; never a secret.

logging itself would cost 47 M instructions, three times a whole cached get
(performance.md B2).
"""

from __future__ import annotations

import os

_LEVELS = {"debug": 10, "info": 20, "warning": 30}
_threshold = 100


def listen(level: str) -> None:
    """Set the lowest level that is written; an unknown name writes nothing."""
    global _threshold  # noqa: PLW0603 - one process, one stderr
    _threshold = _LEVELS.get(level.lower(), 100)


def is_on() -> bool:
    """Return whether this process writes log lines."""
    return _threshold <= max(_LEVELS.values())


def debug(text: str) -> None:
    """Log a step."""
    _write(10, "debug", text)


def info(text: str) -> None:
    """Log a decision."""
    _write(20, "info", text)


def warning(text: str) -> None:
    """Log what a person should fix, though the call goes on."""
    _write(30, "warning", text)


def pass_on(output: bytes) -> None:
    """Log the log lines in the stderr of a helper of ours that we have run."""
    for line in output.decode("utf-8", "replace").splitlines():
        level, colon, text = line.removeprefix("dockcred ").partition(": ")
        if colon and level in _LEVELS and line.startswith("dockcred "):
            _write(_LEVELS[level], level, text)


def _write(level: int, name: str, text: str) -> None:
    if level < _threshold:
        return
    try:
        os.write(2, f"dockcred {name}: {text}\n".encode("ascii", "backslashreplace"))
    except OSError:
        return
