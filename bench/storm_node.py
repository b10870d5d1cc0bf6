"""Serve the plugin by forks of one process, with a clock that runs faster.

    python -m bench.storm_node SOCKET CLOCK

A node has its own processor. A hundred nodes on one machine do not, and most of a
plugin's time is the interpreter's start. So this process imports the program once, and
forks for each connection to the socket. The fork gets kubelet's variables and request,
and answers as the installed program does.

The clock runs CLOCK times as fast, so that an hour of a fleet takes minutes:
time.monotonic returns CLOCK times the seconds, and time.sleep divides by CLOCK. The
wall clock is not changed; no turn depends on it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import pkgutil
import signal
import socket
import ssl
import sys
import time
from importlib import import_module
from pathlib import Path

import dockcred_credential_provider
from dockcred import identity, transport
from dockcred.identity.cache import lock
from dockcred.protocol import kubelet
from dockcred.providers import ecr

LIBRARIES = (hashlib, hmac, ssl)
PACKAGES = (identity, transport, kubelet, ecr)
"""Packages that the first call imports; `load` imports them with all submodules."""


def load() -> None:
    """Import what the plugin would import during a call."""
    for package in PACKAGES:
        for each in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            import_module(each.name)


def hasten(clock: float) -> None:
    """Make this process's clock run so many times as fast."""
    monotonic, sleep = time.monotonic, time.sleep

    def sleep_s(seconds: float) -> None:
        sleep(seconds / clock)

    time.monotonic = lambda: monotonic() * clock
    time.sleep = sleep_s  # type: ignore[assignment] # it takes an index as well
    # The kernel times one wait of a storm: the wait for the lock on a cache entry.
    patience_s = lock._patience_s  # noqa: SLF001 - there is no other way to its clock
    lock._patience_s = lambda: patience_s() / clock  # noqa: SLF001


def serve(connection: socket.socket) -> None:
    """Run the plugin for one connection, which carries the request and the answer."""
    with connection.makefile("rb") as lines:
        asked = json.loads(lines.readline())
    os.environ.clear()
    os.environ.update(asked["variables"])
    request = os.memfd_create("request")
    os.write(request, asked["request"].encode())
    os.lseek(request, 0, os.SEEK_SET)
    os.dup2(request, 0)
    os.dup2(connection.fileno(), 1)
    os.dup2(connection.fileno(), 2)
    sys.argv = ["dockcred-credential-provider"]
    dockcred_credential_provider.main()


def main() -> None:
    """Listen, and fork for each connection, until this process is killed."""
    path, clock = Path(sys.argv[1]), float(sys.argv[2])
    load()
    hasten(clock)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(1024)
        while True:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                serve(connection)
                os._exit(0)
            connection.close()


if __name__ == "__main__":
    main()
