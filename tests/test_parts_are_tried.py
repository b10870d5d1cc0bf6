"""No test trusts a program only because it is on PATH: `support.real` runs it first."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import real

TESTS = Path(__file__).parent
# These look for a shell that they start at once, or run themselves what they find.
MAY_LOOK = {
    *("cast.py", "conftest.py", "places.py", "starting.py", "test_bound.py"),
    *("test_coarse.py", "test_every_call.py", "test_front.py", "test_gcloud.py"),
    *("person.py", "test_watched.py", "real.py", Path(__file__).name, "test_socks.py"),
    *("test_gcloud_beside_gcloud.py", "told_again.py", "note_ends.py", "front.py"),
}


def test_nobody_else_looks_on_path() -> None:
    word = "shutil.which"
    found = {p.name for p in TESTS.rglob("*.py") if word in p.read_text("utf-8")}
    assert found <= MAY_LOOK, "use support.real.program"


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prepend to PATH a directory with one program, which does not work."""
    program = tmp_path / "dockerd"
    program.write_text("#!/bin/sh\necho no such engine >&2\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.delenv("DOCKCRED_REQUIRE_REAL", raising=False)


@pytest.mark.usefixtures("broken")
def test_a_program_that_does_not_run_is_skipped_with_what_it_says() -> None:
    with pytest.raises(pytest.skip.Exception, match="does not run: no such engine"):
        real.program("dockerd")


@pytest.mark.usefixtures("broken")
def test_where_real_parts_are_required_it_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DOCKCRED_REQUIRE_REAL", "1")
    with pytest.raises(pytest.fail.Exception, match="but dockerd is installed and"):
        real.program("dockerd")


def test_what_is_forbidden_is_skipped_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKCRED_REQUIRE_REAL", raising=False)
    with pytest.raises(pytest.skip.Exception, match="sh -c exit 4` is not allowed"):
        real.require("sh", "-c", "exit 4")
