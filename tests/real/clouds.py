"""The sandbox's clouds and the registries of a world, and an image in them."""

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
    """Serve the sandbox cloud and the registries; give the script's answer.

    Its `environments` are the variables of each identity.
    """
    script = Path(__file__).with_name("sandbox_server.py")
    answer = world.directory / "sandbox.json"
    command = (sys.executable, str(script), str(answer), *more)
    with world.server(*command, ready=answer.exists):
        served = json.loads(answer.read_text())
        with open_registry(world, served["url"], served["certificate"]):
            yield served


def put_image(world: World, source: str, name: str) -> None:
    """Put an image behind every host, by the back door."""
    world.check(
        *(program("skopeo"), "--insecure-policy", "copy", "--format=v2s2"),
        *("--dest-tls-verify=false", source, f"docker://{BACKEND}/{name}"),
    )
