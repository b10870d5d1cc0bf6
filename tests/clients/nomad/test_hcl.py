"""Our HCL can be parsed, and has the values that Nomad reads."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.real import missing

NOMAD = Path(__file__).parents[3] / "packaging/nomad"


def _parsed(name: str) -> dict:
    try:
        import hcl2
    except ImportError:
        missing("python-hcl2 is not installed")
    with (NOMAD / name).open() as file:
        return hcl2.load(file)


@pytest.mark.parametrize("name", sorted(path.name for path in NOMAD.glob("*.hcl")))
def test_it_parses(name):
    assert _parsed(name)


@pytest.mark.parametrize(
    "name, setting, value",
    [
        ("client.hcl", "helper", "auto"),
        ("client-by-host.hcl", "config", "/etc/dockcred/docker-config.json"),
    ],
)
def test_the_docker_driver_is_told_where_to_ask(name, setting, value):
    (plugin,) = _parsed(name)["plugin"]
    (docker,) = (body for label, body in plugin.items() if label.strip('"') == "docker")
    (auth,) = docker["config"][0]["auth"]
    assert auth[setting].strip('"') == value
