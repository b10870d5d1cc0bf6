"""Refresh an aging credential in a process of its own, once a minute at most.

A child that kept stdout or stderr would make docker wait for it: it keeps nothing of
ours but the environment.
"""

from __future__ import annotations

import os
import time

from dockcred import watchdog
from dockcred.environment import timeout_s
from dockcred.errors import DockcredError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from dockcred.cache.files import Cache
    from dockcred.environment import Environment

ATTEMPT_EVERY_S = 60.0


def spawn(
    cache: Cache, name: str, environment: Environment, mint: Callable[[], object]
) -> None:
    """Mint in the background, unless it is switched off or was tried just now.

    Off where CI is set: a job's end kills what it leaves behind, and some wait for it.
    """
    if environment.get("DOCKCRED_REFRESH").lower() == "off" or environment.get("CI"):
        return
    if _was_tried(cache, name) or not _record(cache, name):
        return
    if (child := os.fork()) != 0:
        # Its own child is init's to reap: we leave no zombie.
        os.waitpid(child, 0)
        return
    try:
        _detach()
        if os.fork() == 0:
            watchdog.start(timeout_s(environment), lambda _: None)
            mint()
    except (OSError, DockcredError):
        # The next `get` that needs the credential meets the cause and tells it.
        pass
    finally:
        os._exit(0)


def _was_tried(cache: Cache, name: str) -> bool:
    try:
        tried_at = os.stat(f"{cache.path}/{name}.tried").st_mtime
    except OSError:
        return False
    return 0 <= time.time() - tried_at < ATTEMPT_EVERY_S


def _record(cache: Cache, name: str) -> bool:
    """Record the attempt before it starts; without a record there is none."""
    return cache.write_text(f"{name}.tried", "", time.time())


def _detach() -> None:
    os.setsid()
    os.chdir("/")
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
