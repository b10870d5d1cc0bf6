"""The workflow files for those who fork this: held by others' linters of such files.

Each linter is also given a file with one thing wrong, so that a test can fail.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from support import real
from support.documents import ROOT

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
BUILT = "/usr/local/lib/dockcred-ci/bin"
LINTERS = {
    "actionlint": ("-no-color",),
    "zizmor": ("--offline", "--no-config", "--pedantic", "--quiet"),
}


def lint(name: str, file: Path) -> subprocess.CompletedProcess[str]:
    scripts = ROOT / ".venv/bin"
    path = f"{scripts}:{os.environ['PATH']}:{real.SYSTEM_PATH}:{BUILT}"
    return subprocess.run(
        [real.program(name, path), *LINTERS[name], file],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", LINTERS)
@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_a_linter_finds_nothing(name: str, file: Path) -> None:
    done = lint(name, file)
    assert done.returncode == 0, done.stdout + done.stderr


WRONG = {
    "a tag instead of a hash": (
        "zizmor",
        r"(actions/checkout)@\w+ # v(\S+)",
        r"\1@v\2",
    ),
    "rights for all": ("zizmor", r"(?m)^permissions: \{\}", "permissions: write-all"),
    "a token that stays": ("zizmor", "persist-credentials: false", "fetch-depth: 1"),
    "a machine that is none": ("actionlint", "macos-15", "macos-51"),
    "a name that is none": ("actionlint", r"matrix\.python", "matrix.pythons"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_linter_finds_what_is_wrong(what: str, tmp_path: Path) -> None:
    name, old, new = WRONG[what]
    text = (ROOT / ".github/workflows/test.yml").read_text(encoding="utf-8")
    changed, count = re.subn(old, new, text, count=1)
    assert count == 1
    file = tmp_path / ".github/workflows/test.yml"
    file.parent.mkdir(parents=True)
    file.write_text(changed, encoding="utf-8")
    assert lint(name, file).returncode != 0


def test_there_is_one_for_each_system() -> None:
    text = "".join(file.read_text(encoding="utf-8") for file in WORKFLOWS)
    for system in ("ubuntu-", "macos-", "windows-"):
        assert re.search(rf"machine: \[.*\b{system}\d", text), system
