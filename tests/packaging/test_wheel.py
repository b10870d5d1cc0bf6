"""The wheel and the sdist: what is in them, and that anyone builds the same bytes."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest
from support.release import ROOT, build

pytestmark = pytest.mark.slow  # as a whole too long for `make test`

AT_THE_TOP = {
    "dockcred",
    "dockcred_credential_provider.py",
    "docker_credential_acr_login.py",
}


@pytest.fixture(scope="module")
def wheel(dist: Path) -> zipfile.ZipFile:
    (path,) = dist.glob("*.whl")
    return zipfile.ZipFile(path)


@pytest.fixture(scope="module")
def sdist(dist: Path) -> tarfile.TarFile:
    (path,) = dist.glob("dockcred-*.tar.gz")
    return tarfile.open(path)


def test_site_packages_gets_our_names_only(wheel):
    """Neither source root (common, helpers) is importable by its own name."""
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    helpers = {path.name for path in (ROOT / "helpers").glob("*.py")}
    (information,) = (top for top in tops if top.endswith(".dist-info"))
    assert tops == {"dockcred", information} | helpers
    assert tops >= AT_THE_TOP


def test_the_wheel_has_every_module_and_the_launcher(wheel):
    tracked = subprocess.run(
        ["git", "ls-files", "common", "helpers"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    expected = {path.partition("/")[2] for path in tracked}
    assert expected <= set(wheel.namelist())
    assert "dockcred/protocol/launcher/front.sh" in expected


def test_nothing_in_a_wheel_can_be_written_by_others(wheel):
    modes = {info.external_attr >> 16 for info in wheel.infolist()}
    assert all(mode & 0o022 == 0 for mode in modes), [oct(mode) for mode in modes]


def test_the_sdist_carries_its_tests_and_its_papers(sdist):
    names = {name.partition("/")[2] for name in sdist.getnames()}
    assert {"LICENSE", "CHANGELOG.md", "README.md", "tests/conftest.py"} <= names
    assert not {name for name in names if ".venv" in name or "__pycache__" in name}


def with_our_libraries(python: str, place: Path) -> str:
    """Write a script that starts a Python with the pure libraries of this one."""
    libraries = sysconfig.get_path("purelib")
    place.write_text(f'#!/bin/sh\nPYTHONPATH={libraries} exec {python} "$@"\n')
    place.chmod(0o755)
    return str(place)


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_everybody_builds_the_same_bytes(dist, tmp_path, pythons, version):
    """Builds from the sdist in another directory, Python, umask and time zone.

    Only the one file's bytecode differs, as it depends on the Python: see
    test_one_file.py.
    """
    if version in {"3.12", "3.14"} and not os.environ.get("DOCKCRED_NIGHT"):
        pytest.skip("DOCKCRED_NIGHT is not set: eight seconds of a processor for each")
    (archive,) = dist.glob("dockcred-*.tar.gz")
    with tarfile.open(archive) as tar:
        # Debian 12's Python 3.11.2 has no filters yet; we trust our own archive.
        filtered = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        tar.extractall(tmp_path, **filtered)
    (tree,) = tmp_path.iterdir()
    (tree / "PKG-INFO").unlink()  # the one file that a build adds
    python = with_our_libraries(pythons[version], tmp_path / "python")
    odd = {"TZ": "Pacific/Auckland", "LC_ALL": "C", "PYTHONHASHSEED": "7"}
    old = os.umask(0o077)
    try:
        build(tree, tmp_path / "again", "python", PYTHON=python, **odd)
    finally:
        os.umask(old)
    for name in ("*.whl", "dockcred-*.tar.gz"):
        (first,), (second,) = dist.glob(name), (tmp_path / "again").glob(name)
        assert first.read_bytes() == second.read_bytes(), name
    (first,), (second,) = dist.glob("*.pyz"), (tmp_path / "again").glob("*.pyz")
    assert without_bytecode(first) == without_bytecode(second)


def without_bytecode(path: Path) -> dict[str, bytes]:
    """Return the sources and licences in the one file, without bytecode."""
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if not name.endswith(".pyc")]
        return {name: archive.read(name) for name in names}


def test_a_build_of_another_time_is_another_file(dist, tmp_path):
    """SOURCE_DATE_EPOCH is in the bytes, so the comparison above can fail."""
    build(ROOT, tmp_path / "later", "python", SOURCE_DATE_EPOCH="1800000000")
    (first,), (second,) = dist.glob("*.whl"), (tmp_path / "later").glob("*.whl")
    assert first.read_bytes() != second.read_bytes()


def test_twine_takes_them(dist):
    files = [str(path) for path in dist.iterdir() if path.suffix in {".whl", ".gz"}]
    done = subprocess.run(
        [sys.executable, "-m", "twine", "check", "--strict", *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("PASSED") == 2


def test_the_checksums_are_those_of_the_files(dist):
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"],
        cwd=dist,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    named = {line.split()[1] for line in (dist / "SHA256SUMS").read_text().splitlines()}
    assert named == {path.name for path in dist.iterdir()} - {"SHA256SUMS"}
