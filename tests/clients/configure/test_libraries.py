"""crane, oras and helm find what `configure docker` and `configure helm` write.

The library of each client asks the helper, which answers with the requested key.
"""

from __future__ import annotations

import pytest
from support import oracles

from .conftest import Person

ORACLES = ("go_containerregistry", "oras_go", "helm_registry")
HUB_KEY = "https://index.docker.io/v1/"


def asked(person: Person, oracle: str, name: str) -> tuple[str | None, str | None]:
    known = {**person.environment}
    known.pop("HOME")
    found = oracles.ask(oracle, person.home, known, name)
    assert found["error"] is None
    return found["username"], found["secret"]


@pytest.mark.parametrize("oracle", ORACLES)
@pytest.mark.parametrize(
    "host, key", [("r.example:5000", "r.example:5000"), ("docker.io", HUB_KEY)]
)
def test_one_registry(somebody: Person, oracle: str, host: str, key: str) -> None:
    repository = "library/x" if host == "docker.io" else "team/app"
    somebody.configure("docker", "--registry", host, "--helper", "answer")
    assert asked(somebody, oracle, f"{host}/{repository}") == ("me", key)
    assert asked(somebody, oracle, "other.example/a") == (None, None)


@pytest.mark.parametrize("oracle", ORACLES)
def test_every_registry(somebody: Person, oracle: str) -> None:
    """crane asks for the repository first, and uses the answer if there is one."""
    somebody.configure("docker", "--all", "--helper", "answer")
    whole = oracle == "go_containerregistry"
    for host, key in (("r.example", "r.example"), ("docker.io", HUB_KEY)):
        first = "index.docker.io" if host == "docker.io" else host
        expected = f"{first}/team/app" if whole else key
        assert asked(somebody, oracle, f"{host}/team/app") == ("me", expected)


@pytest.mark.parametrize("oracle", ORACLES)
def test_helm_s_own_file_is_helm_s_alone(somebody: Person, oracle: str) -> None:
    how = ("--registry", "r.example", "--registry", "docker.io", "--helper", "answer")
    somebody.configure("helm", *how)
    is_helm = oracle == "helm_registry"
    for name, key in (("r.example/a", "r.example"), ("docker.io/library/x", HUB_KEY)):
        expected = ("me", key) if is_helm else (None, None)
        assert asked(somebody, oracle, name) == expected
