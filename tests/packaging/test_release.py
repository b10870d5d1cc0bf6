"""A release is what was tested: the tests run on its files, without sources."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.real import missing, program
from support.release import ROOT, WINDOWS_PYTHON

ENVIRONMENT = {
    name: value for name, value in os.environ.items() if "DOCKCRED" not in name
}
NIGHT = bool(os.environ.get("DOCKCRED_NIGHT"))
GIT = ("git", "-c", "user.name=n", "-c", "user.email=e")
PUBLISHED = (
    *(".whl", ".tar.gz", ".pyz", ".deb", ".tgz", "-windows.zip", ".installer.yaml"),
    *("dockcred.json", ".pyz.cdx.json", ".tgz.cdx.json", "-windows.zip.cdx.json"),
    "-debian.cdx.json",
)
PAPERS = (
    *("packaging", "common/dockcred/system/version.py", "CHANGELOG.md"),
    ".gitignore",
)


def run(
    *argv: str | Path, cwd: Path = ROOT, **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv,
        cwd=cwd,
        env=ENVIRONMENT | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def commit_all(tree: Path) -> str:
    """Commit all files of a tree; return the commit's hash."""
    run(*GIT, "add", "--all", cwd=tree).check_returncode()
    run(*GIT, "commit", "--quiet", "--message", "all", cwd=tree).check_returncode()
    return run(*GIT, "rev-parse", "HEAD", cwd=tree).stdout.strip()


def tree_of(names: list[str] | tuple[str, ...], tree: Path, ends: str) -> Path:
    """Make a repository of some of our files, in which `make check` runs `ends`.

    The changelog has a section for the version, with a date.
    """
    program("git")
    for name in names:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tree / name)
    (tree / "Makefile").write_text(f"check test:\n\t@{ends}\n")
    changelog = tree / "CHANGELOG.md"
    changelog.write_text(f"{changelog.read_text()}\n## [0.1.0] - 2026-12-01\n")
    run(*GIT, "init", "--quiet", cwd=tree).check_returncode()
    commit_all(tree)
    return tree


def release(
    tree: Path, *words: str | Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    script = tree / "packaging/release.sh"
    return run(script, *words, cwd=tree, PYTHON=sys.executable, **variables)


@pytest.fixture
def commit(tmp_path) -> Path:
    """A repository in which all files are committed and `make check` fails."""
    return tree_of(PAPERS, tmp_path / "tree", "false")


def refused(tree: Path, tmp_path: Path) -> str:
    """Return the reason why a tree is not released; assert that nothing was built."""
    done = release(tree, tmp_path / "dist")
    assert (done.returncode, done.stdout) == (1, "")
    assert not (tmp_path / "dist").exists()
    return done.stderr.splitlines()[-1]


def test_a_tree_with_changes_is_not_released(commit, tmp_path):
    (commit / "new").touch()
    assert "there are changes that are in no commit" in refused(commit, tmp_path)


@pytest.mark.parametrize(
    ("paper", "old", "new", "said"),
    [
        ("CHANGELOG.md", "## [0.1.0] - ", "## [0.0.9] - ", "## [0.1.0]"),
        ("CHANGELOG.md", "## [0.1.0] - ", "## [0x1.0] - ", "## [0.1.0]"),
        ("CHANGELOG.md", " - 2026-12-01", "", "## [0.1.0] - YYYY-MM-DD"),
        ("packaging/debian/changelog", "0.1.0", "0.0.9", "dockcred (0.1.0)"),
    ],
)
def test_a_version_without_its_section_is_not_released(
    commit, tmp_path, paper, old, new, said
):
    text = (commit / paper).read_text()
    assert old in text
    (commit / paper).write_text(text.replace(old, new))
    commit_all(commit)
    assert f"{paper} has no section '{said}" in refused(commit, tmp_path)


@pytest.mark.parametrize("noted", ["", "another"])
def test_a_tree_that_does_not_pass_is_not_released(commit, tmp_path, noted):
    """Either another commit has passed, or none."""
    (commit / "build").mkdir()
    (commit / "build/passed").write_text(noted and commit_of_parent(commit))
    assert refused(commit, tmp_path) == "no release: this commit does not pass"


def commit_of_parent(tree: Path) -> str:
    """Make another commit; return the hash of the commit before it."""
    before = run(*GIT, "rev-parse", "HEAD", cwd=tree).stdout
    (tree / "more").touch()
    commit_all(tree)
    return before


NOTE = 'steps=$1; . "$2"; wrong=$3; note_passed "$4"; cat build/passed'


@pytest.mark.parametrize(
    ("steps", "wrong", "dirty", "moved", "is_noted"),
    [
        ("", "0", False, False, True),
        ("test", "0", False, False, False),
        ("", "1", False, False, False),
        ("", "0", True, False, False),
        ("", "0", False, True, False),
    ],
)
def test_ci_notes_what_passed_wholly_and_as_it_was(
    commit, steps, wrong, dirty, moved, is_noted
):
    began = run(*GIT, "rev-parse", "HEAD", cwd=commit).stdout.strip()
    if moved:
        commit_of_parent(commit)
    if dirty:
        (commit / "new").touch()
    words = ("x", steps, ROOT / ".ci/steps.sh", wrong, began)
    done = run("bash", "-c", NOTE, *words, cwd=commit)
    assert done.stdout == (f"{began}\n" if is_noted else "")


def test_the_table_of_ways_names_each_file_and_who_tests_it():
    """A row may say instead why a way is not offered."""
    page = (ROOT / "docs/install.md").read_text()
    table = page[page.index("| way | for |") :].partition("\n\n")[0]
    for kind in ("none-any.whl", ".deb", ".pyz", ".tgz", "-windows.zip"):
        assert f"{kind}`" in table
    _, _, *rows = table.splitlines()
    for way in ("pip]", "pipx]", "uv tool]", "image]", "winget", "Homebrew", "Nix"):
        assert any(way in row.split("|")[1] for row in rows), way
    for row in rows:
        tests = re.findall(r"`(tests/\S+)`", row.split("|")[-2])
        assert bool(tests) != ("| not offered: " in row), row
        assert all((ROOT / test).is_file() for test in tests), row


@pytest.mark.slow
def test_what_passed_is_built_and_tested_as_it_was_built(tmp_path, pythons):
    """All files are in one directory, and run with the newest Python of a Debian."""
    for tool in ("dpkg-buildpackage", "dh_python3", "gcc", "readelf"):
        program(tool)
    if not WINDOWS_PYTHON.exists():
        missing(f"there is no Python for Windows in {WINDOWS_PYTHON}")
    tracked = run("git", "ls-files", cwd=ROOT).stdout.splitlines()
    tree = tree_of([n for n in tracked if (ROOT / n).exists()], tmp_path / "t", "false")
    (tree / "build").mkdir()
    head = run(*GIT, "rev-parse", "HEAD", cwd=tree).stdout
    (tree / "build/passed").write_text(head)
    key = tmp_path / "key.pem"
    words = ("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
    run(program("openssl"), *words).check_returncode()
    windows = {
        "WINDOWS_PYTHON": str(WINDOWS_PYTHON),
        "RELEASE_URL": "https://x.example",
    }
    words = ("--key", key, tmp_path / "dist", pythons["3.13"])
    done = release(tree, *words, **windows)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(" passed") == 2
    files = {path.name for path in (tmp_path / "dist").iterdir()}
    papers = {name for name in files if name.endswith(".intoto.jsonl")}
    assert papers == {f"{name}.intoto.jsonl" for name in files - papers}
    files -= papers | {"SHA256SUMS"}
    sums = (tmp_path / "dist/SHA256SUMS").read_text()
    assert done.stdout.endswith(sums)
    assert {line.split()[1] for line in sums.splitlines()} == files
    for kind in PUBLISHED:
        assert any(name.endswith(kind) for name in files), kind


@pytest.mark.slow
@pytest.mark.parametrize("version", ["3.11", "3.12", "3.14"])
def test_the_wheel_and_the_one_file_pass_the_transcripts(dist, pythons, version):
    """These are the Pythons that the release above does not test."""
    if not NIGHT:
        pytest.skip("DOCKCRED_NIGHT is not set: a minute for each")
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
