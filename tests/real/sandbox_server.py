"""Serve the sandbox cloud until killed; a program of its own, run in the world.

The file named by the only argument appears when the cloud serves, and holds, as
JSON, the environment of a program whose cloud this is.
"""

from __future__ import annotations

import json
import os
import signal
import sys

from dockcred.testing.sandbox import Sandbox

with Sandbox() as cloud:
    answer = {"url": cloud.url, "environment": cloud.environment()}
    with open(f"{sys.argv[1]}.new", "w", encoding="utf-8") as file:
        json.dump(answer, file)
    os.replace(file.name, sys.argv[1])
    signal.pause()
