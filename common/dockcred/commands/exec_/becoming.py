"""What is between us and the command that we become: it must not see that we were."""

from __future__ import annotations

import errno
import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NoReturn

# Python ignores them from its start on, and what is ignored stays so in a new program.
_IGNORED_BY_PYTHON = ("SIGPIPE", "SIGXFSZ")


def become(command: tuple[str, ...], variables: Mapping[str, str]) -> NoReturn:
    """Replace this process by the command; raise OSError where that is impossible.

    A file without a first line that names its interpreter is the shell's, as it is to
    execvp(3).
    """
    if not command[0]:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    for name in _IGNORED_BY_PYTHON:
        signal.signal(signal.Signals[name], signal.SIG_DFL)
    try:
        os.execvpe(command[0], command, variables)  # noqa: S606 - no shell is wanted
    except OSError as error:
        from shutil import which  # noqa: PLC0415 - few scripts are so

        script = which(command[0], path=variables.get("PATH"))
        if error.errno != errno.ENOEXEC or script is None:
            raise
        argv = ["/bin/sh", script, *command[1:]]
        os.execve(argv[0], argv, variables)  # noqa: S606
