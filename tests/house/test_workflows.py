"""Check the workflow files (for people who fork this) with other people's linters.

Each linter must also find one error in a file that was made wrong.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from support import real
from support.documents import ROOT

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
DEPENDABOT = ROOT / ".github/dependabot.yml"
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


def written_wrong(tmp_path: Path) -> Path:
    """Write dependabot.yml with an unknown key; return its path."""
    file = tmp_path / ".github/dependabot.yml"
    file.parent.mkdir(parents=True)
    text = DEPENDABOT.read_text(encoding="utf-8")
    file.write_text(text.replace("cooldown:", "cool:"), encoding="utf-8")
    return file


def test_updates_are_asked_for_after_a_while(tmp_path: Path) -> None:
    done = lint("zizmor", DEPENDABOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert lint("zizmor", written_wrong(tmp_path)).returncode != 0


def test_updates_are_asked_for_by_the_schema(tmp_path: Path) -> None:
    """The schema is SchemaStore's, which check-jsonschema includes."""
    try:
        import check_jsonschema
    except ImportError:
        real.missing("check-jsonschema is not installed")
    import jsonschema
    import yaml

    schemas = Path(check_jsonschema.__file__).parent / "builtin_schemas/vendor"
    schema = json.loads((schemas / "dependabot.json").read_text(encoding="utf-8"))
    check = jsonschema.validators.validator_for(schema)(schema).is_valid
    right, wrong = (
        yaml.safe_load(file.read_text(encoding="utf-8"))
        for file in (DEPENDABOT, written_wrong(tmp_path))
    )
    assert check(right)
    assert not check(wrong)


RIGHTS = {
    "codeql.yml": {"contents: read", "security-events: write"},
    "release.yml": {
        "contents: read",
        "id-token: write",
        "attestations: write",
        "contents: write",
    },
    "test.yml": {"contents: read"},
}
"""By workflow: all permissions that its jobs have."""


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_a_workflow_has_the_rights_that_it_names_and_each_action_by_hash(file) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count("permissions: {}\n") == 1
    rights = set(re.findall(r"(?m)^ {6}([a-z-]+: (?:read|write))\b", text))
    assert rights == RIGHTS[file.name]
    used = re.findall(r"uses: (\S+)( # v[\d.]+)?", text)
    assert used
    for action, version in used:
        assert re.fullmatch(r"[\w-]+(/[\w-]+)+@[0-9a-f]{40}", action), action
        assert version, action


def test_whoever_publishes_builds_nothing() -> None:
    """Only the job without a right to publish runs code of this repository."""
    text = (ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8")
    _, _, text = text.partition("\njobs:\n")
    jobs = dict(re.findall(r"(?ms)^  (\w+):\n(    .+?)(?=^  \w+:|\Z)", text))
    assert set(jobs) == {"build", "attest", "index", "forge"}
    for name, job in jobs.items():
        assert ("write" in job) == (name != "build"), name
        assert ("actions/checkout@" in job) == (name == "build"), name


def test_there_is_one_for_each_system() -> None:
    text = "".join(file.read_text(encoding="utf-8") for file in WORKFLOWS)
    for system in ("ubuntu-", "macos-", "windows-"):
        assert re.search(rf"machine: \[.*\b{system}\d", text), system
