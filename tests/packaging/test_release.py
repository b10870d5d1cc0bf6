"""A release is what was tested: the files themselves, with no source beside them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.release import ROOT

ENVIRONMENT = {
    name: value for name, value in os.environ.items() if "DOCKCRED" not in name
}


def run(*argv: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv, cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_the_wheel_and_the_one_file_pass_the_transcripts(dist, pythons, version):
    done = run(ROOT / "packaging/verify.sh", dist, pythons[version])
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(" passed") == 2


def test_a_file_that_was_changed_after_the_build_is_refused(dist, tmp_path):
    altered = shutil.copytree(dist, tmp_path / "dist")
    (wheel,) = altered.glob("*.whl")
    wheel.write_bytes(wheel.read_bytes()[:-1] + b"\1")
    done = run(ROOT / "packaging/verify.sh", altered, sys.executable)
    assert done.returncode != 0
    assert f"{wheel.name}: FAILED" in done.stdout
    assert "passed" not in done.stdout


@pytest.fixture
def commit(tmp_path) -> Path:
    """A tree of its own, where everything is committed."""
    tree = tmp_path / "tree"
    for name in ("packaging", "common/dockcred/system/version.py", "CHANGELOG.md"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tree / name)
    git = ("git", "-c", "user.name=n", "-c", "user.email=e")
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "all")):
        run(*git, *words, cwd=tree).check_returncode()
    return tree


def test_a_tree_with_changes_is_not_released(commit, tmp_path):
    (commit / "new").touch()
    done = run(commit / "packaging/release.sh", tmp_path / "dist")
    assert done.returncode == 1
    assert "there are changes that are in no commit" in done.stderr
    assert not (tmp_path / "dist").exists()


def test_a_version_without_its_section_is_not_released(commit, tmp_path):
    changelog = commit / "CHANGELOG.md"
    changelog.write_text(changelog.read_text().replace("## [0.1.0]", "## [0.0.9]"))
    run(
        "git",
        "-c",
        "user.name=n",
        "-c",
        "user.email=e",
        "commit",
        "-qam",
        "x",
        cwd=commit,
    )
    done = run(commit / "packaging/release.sh", tmp_path / "dist")
    assert done.returncode == 1
    assert "CHANGELOG.md has no section ## [0.1.0]" in done.stderr
    assert not (tmp_path / "dist").exists()
