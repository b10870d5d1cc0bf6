"""Serve the sandbox cloud until killed; a program of its own, run in the world.

The file named by the only argument appears when the cloud serves, and holds, as
JSON, its URL and the variables that make a program this cloud's.
"""

from __future__ import annotations

import json
import os
import signal
import sys

from dockcred.testing.sandbox import Sandbox

# An orderly end, so that the cloud removes what it wrote.
signal.signal(signal.SIGTERM, lambda *_: sys.exit())

with Sandbox() as cloud:
    # The rest sets up a home; here every client has one of its own.
    variables = cloud.environment("env-keys").items()
    mine = {name: value for name, value in variables if name.startswith("AWS_")}
    answer = {"url": cloud.url, "environment": mine}
    with open(f"{sys.argv[1]}.new", "w", encoding="utf-8") as file:
        json.dump(answer, file)
    os.replace(file.name, sys.argv[1])
    signal.pause()
