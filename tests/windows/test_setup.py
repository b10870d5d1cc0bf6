"""`setup` and `doctor --fix` for real: they write, test, and restore every file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.private_registry import private_registry
from support.program import Answer

from dockcred.testing.sandbox import Sandbox

from .conftest import Case, Windows
from .test_helpers import ECR_HOST, PATIENT
from .test_homes import BLANK, home_at

pytestmark = pytest.mark.slow

DOCKERS = b"""{\r
\t"auths": {\r
\t\t"setup.invalid": {\r
\t\t\t"auth": "bWU6YzJWamNtVjA="\r
\t\t}\r
\t},\r
\t"psFormat": "table {{.ID}}"\r
}"""
"""config.json as docker writes it on Windows; the undo must restore every byte."""
SECRET = b"c2VjcmV0"
HOLDER = """
import subprocess, sys
from dockcred.system import file_lock
with file_lock.of_directory(sys.argv[1]):
    done = subprocess.run(sys.argv[2:], stdin=subprocess.PIPE, capture_output=True)
sys.stdout.buffer.write(done.stdout)
sys.stderr.buffer.write(done.stderr)
sys.exit(done.returncode)
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home with docker's file, which has a login in plain text."""
    home = tmp_path / BLANK
    (home / ".docker").mkdir(parents=True)
    (home / ".docker/config.json").write_bytes(DOCKERS)
    return home


@pytest.fixture
def variables(windows: Windows, cloud: Sandbox, home: Path) -> dict[str, str | None]:
    """Return the variables of a terminal: the programs on PATH, and a cloud's keys."""
    said = cloud.environment("env-keys") | PATIENT
    own = ("XDG", "DOCKER", "DOCKCRED_CACHE", "DOCKCRED_STORE")
    kept = {n: v for n, v in said.items() if not n.startswith(own)}
    on_path = f"{windows.path(windows.scripts)};C:\\windows\\system32"
    return kept | home_at(windows.path(home)) | {"PATH": on_path}


@pytest.fixture
def dockcred(
    windows: Windows, variables: dict[str, str | None]
) -> Callable[..., list[Answer]]:
    def call(*commands: str) -> list[Answer]:
        cases = [Case("dockcred", tuple(c.split()), "", variables) for c in commands]
        answers = windows.many(cases)
        assert not any(b"Traceback" in each.stderr for each in answers), answers
        return answers

    return call


def files(home: Path) -> dict[str, bytes]:
    """Return the bytes of every file in a home, without the cache."""
    return {
        str(path.relative_to(home)): path.read_bytes()
        for path in home.rglob("*")
        if path.is_file() and "cache" not in path.parts
    }


@pytest.mark.usefixtures("credentials")
def test_all_is_set_up_proved_at_a_registry_and_given_back(
    windows, variables, dockcred, home, cloud, tmp_path
):
    """The login moves to Credential Manager; the registry accepts the new password."""
    before = files(home)
    with private_registry(cloud, tmp_path) as registry:
        variables["DOCKCRED_CONFIG"] = windows.path(registry.config)
        done, got, again, undone, nobody = dockcred(
            f"setup --yes {registry.host}",
            "get setup.invalid --password",
            "setup --dry-run",
            "setup --undo --yes",
            "get setup.invalid --password",
        )
        assert f"{registry.host} works: as AWS".encode() in done.stdout, done
        assert len(registry.passwords()) == 1
    assert b"setup.invalid (me): imported, read back equal" in done.stdout
    assert b"install" not in done.stdout  # there are no launchers to install
    assert got.stdout.strip() == SECRET
    assert b"nothing: all is set up" in again.stdout
    assert (undone.status, undone.stderr) == (0, b""), undone
    assert nobody.status == 1
    assert files(home) == before


def test_a_second_one_at_the_same_time_changes_nothing(windows, variables, home):
    before = files(home)
    program = windows.path(windows.scripts / "dockcred.exe")
    told = windows.many(
        [
            Case(
                "../python",
                ("-c", HOLDER, windows.path(home), program, *words),
                "",
                variables,
            )
            for words in (("setup", "--yes"), ("setup", "--undo", "--yes"))
        ]
    )
    for each in told:
        assert each.status == 1
        assert b"another dockcred setup is at work here" in each.stderr, each
    assert files(home) == before


@pytest.mark.usefixtures("credentials")
def test_what_doctor_has_fixed_is_taken_back(dockcred, home):
    before = files(home)
    fixed, after, undone = dockcred(
        f"doctor {ECR_HOST} --fix --yes", f"doctor {ECR_HOST}", "doctor --undo"
    )
    assert (fixed.status, after.status) == (0, 0)
    assert b"anonymously" in fixed.stdout
    assert b"works: docker shows" in fixed.stdout
    assert b"works: docker shows" in after.stdout
    assert b"dockcred install" not in after.stdout
    assert (undone.status, undone.stderr) == (0, b""), undone
    assert files(home) == before
