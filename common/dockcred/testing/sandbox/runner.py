"""Run one command in the sandbox, with the signals and limits of a direct call."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from types import FrameType

from dockcred.system import hardening

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT")
# Windows has the first two.
FORWARDED = tuple(getattr(signal, name) for name in _NAMES if hasattr(signal, name))
SENT_TO_US_ALONE = {*FORWARDED} - {signal.SIGINT, getattr(signal, "SIGQUIT", 0)}
SIGNALLED = 128


class Runner:
    """One command, and the signals for it."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._starting = False
        self._early: list[int] = []

    @contextlib.contextmanager
    def signals(self) -> Iterator[None]:
        """Forward signals to the command; before it starts, a signal ends the block."""
        before = {number: signal.signal(number, self._signal) for number in FORWARDED}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def run(self, command: Sequence[str], environment: Mapping[str, str]) -> int:
        """Run the command; return its exit status, or 128 + the signal that ended it.

        Raises OSError if it cannot be started.
        """
        self._starting = True
        # The command gets the caller's umask and limits, not ours.
        with hardening.as_called():
            child = subprocess.Popen(command, env=environment)
        with child:
            self._child = child
            # The command may already run before Popen returns.
            for number in self._early:
                child.send_signal(number)
            status = child.wait()
        return status if status >= 0 else SIGNALLED - status

    def _signal(self, number: int, _frame: FrameType | None) -> None:
        if not self._starting:
            raise SystemExit(SIGNALLED + number)
        # A terminal sends Ctrl-C and Ctrl-\ to the command as well.
        if number in SENT_TO_US_ALONE or not _in_foreground():
            if self._child is None:
                self._early.append(number)
            else:
                self._child.send_signal(number)


def _in_foreground() -> bool:
    """Return whether we are in the terminal's foreground process group.

    Then the command is too, and the terminal sends its signals to both.
    """
    try:
        descriptor = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(descriptor) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(descriptor)
