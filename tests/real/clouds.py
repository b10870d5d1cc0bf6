"""A world's sandbox and registries, and an image in them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .parts import program
from .registry import BACKEND, open_registry
from .world import World


@contextmanager
def open_clouds(world: World, *more: str) -> Iterator[dict[str, Any]]:
    """Serve the sandbox and the registries; yield what sandbox_server.py wrote.

    Its `environments` has the variables of each identity.
    """
    script = Path(__file__).with_name("sandbox_server.py")
    answer = world.directory / "sandbox.json"
    command = (sys.executable, str(script), str(answer), *more)
    with world.server(*command, ready=answer.exists):
        served = json.loads(answer.read_text())
        with open_registry(world, served["url"], served["certificate"]):
            yield served


def put_image(world: World, source: str, name: str) -> None:
    """Put an image into the registry of all hosts, without authentication."""
    world.check(
        *(program("skopeo"), "--insecure-policy", "copy", "--format=v2s2"),
        *("--dest-tls-verify=false", source, f"docker://{BACKEND}/{name}"),
    )
