"""docker-credential-gitlab and docker-credential-auto, in the sandbox's homes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from support.program import Answer, Program

HOST = "registry.gitlab.com"
CALL = "gitlab:login"
Get = Callable[..., Answer]


def answered(answer: Answer) -> tuple[str, str]:
    """Return the user and password of an answer."""
    assert answer.status == 0, answer
    found = json.loads(answer.stdout)
    return found["Username"], found["Secret"]


@pytest.fixture
def get(helper_bin: Path) -> Get:
    program = Program(str(helper_bin / "docker-credential-gitlab"))
    return lambda environment, host=HOST: program.get(environment, host)


@pytest.fixture(params=["gitlab", "auto"])
def either(request: pytest.FixtureRequest, helper_bin: Path) -> Get:
    """Run docker-credential-gitlab, then docker-credential-auto."""
    program = Program(str(helper_bin / f"docker-credential-{request.param}"))
    return lambda environment, host=HOST: program.get(environment, host)


@pytest.fixture
def config(tmp_path: Path) -> Callable[[str], dict[str, str]]:
    """Write config.toml, and return the variable that names it."""

    def write(text: str) -> dict[str, str]:
        path = tmp_path / "config.toml"
        path.write_text(text)
        path.chmod(0o600)
        return {"DOCKCRED_CONFIG": str(path)}

    return write


def file_of(environment: dict[str, str]) -> Path:
    """Return the path of glab's config.yml in a home directory."""
    return Path(environment["HOME"]) / ".config/glab-cli/config.yml"


def calls(environment: dict[str, str]) -> list[str]:
    """Return the command lines with which a home's glab was called."""
    path = Path(environment["HOME"]) / "glab-calls"
    return path.read_text().splitlines() if path.exists() else []
