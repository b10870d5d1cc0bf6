"""The bills of materials (SBOMs) are valid, and list what a release's files contain."""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import json
import re
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
from pip._vendor import distlib
from support.real import missing, program
from support.release import NODE, ROOT, bill

pytestmark = pytest.mark.slow  # as a whole too long for `make test`

try:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator
except ImportError:
    missing("cyclonedx-python-lib is not installed, which is of the group `release`")


def components(path: Path) -> dict[str, dict]:
    """Return the components of a bill, by name; each has a version and a licence."""
    parts = json.loads(path.read_text())["components"]
    for part in parts:
        assert part["version"], part
        (licence,) = part["licenses"]
        assert licence.get("expression") or {*licence["license"]} & {"id", "name"}
    return {part["name"]: part for part in parts}


KINDS = ("*.pyz", "*.tgz", "*-windows.zip", "*-debian")


@pytest.mark.parametrize("kind", KINDS)
def test_a_bill_is_valid_and_of_one_file(billed, kind):
    (path,) = billed.glob(f"{kind}.cdx.json")
    text = path.read_text()
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    assert validator.validate_str(text) is None
    subject = json.loads(text)["metadata"]["component"]
    if kind != "*-debian":
        (digest,) = subject["hashes"]
        content = (billed / subject["name"]).read_bytes()
        assert digest["content"] == hashlib.sha256(content).hexdigest()
    wrong = text.replace('"library"', '"librarium"', 1)
    assert validator.validate_str(wrong) is not None


@pytest.mark.parametrize(("kind", "place"), [("*.pyz", ""), ("*-windows.zip", "lib/")])
def test_the_libraries_in_an_archive_are_those_that_it_names(billed, kind, place):
    """Each module of a library equals the installed one of that version, by bytes."""
    named = components(next(billed.glob(f"{kind}.cdx.json")))
    ours = {path.name for path in (ROOT / "helpers").iterdir()} | {"dockcred"}
    found = set()
    with zipfile.ZipFile(next(billed.glob(kind))) as archive:
        for whole in archive.namelist():
            name = whole.removeprefix(place)
            top = name.partition("/")[0]
            if "/" not in name or top in ours or not name.endswith(".py"):
                continue
            found.add(top)
            recorded = {
                str(file): file.hash.value
                for file in importlib.metadata.files(top)
                if file.hash
            }
            digest = hashlib.sha256(archive.read(whole)).digest()
            encoded = base64.urlsafe_b64encode(digest).decode().rstrip("=")
            assert encoded == recorded[name], name
            assert importlib.metadata.version(top) == named[top]["version"]
        if place:
            found |= {*windows_parts(archive)}
    assert found == set(named)


def windows_parts(archive: zipfile.ZipFile) -> set[str]:
    """Return the names of the packages in the files that are only for Windows."""
    found = {"python"} if "python/python.exe" in archive.namelist() else set()
    if archive.read("dockcred.exe").startswith(LAUNCHER.read_bytes()):
        found.add("distlib")
    for name, words in IN_PYTHON.items():
        if any(words in archive.read(n) for n in archive.namelist() if n[-3:] in DLL):
            found.add(name)
    return found


DLL = ("dll", "pyd")
LAUNCHER = Path(distlib.__file__).parent / "t64.exe"
IN_PYTHON = {
    "bzip2": b"libbzip2",
    "expat": b"expat_",
    "libffi": b"ffi_prep_cif",
    "mpdecimal": b"libmpdec",
    "openssl": b"OpenSSL 3",
    "sqlite": b"SQLite format 3",
    "vcruntime": b"VCRUNTIME140.dll",
    "xz": b"liblzma",
    "zlib": b"incorrect header check",
}
"""Bytes in the DLLs of Python that show which packages they include."""


def test_the_directory_s_files_are_of_the_packages_that_it_names(billed):
    """The files have the checksums that dpkg has of each package, or are ours."""
    named = components(billed / f"{NODE}.cdx.json")
    sums = {}
    for name in named:
        (kept,) = [
            path
            for place in (f"{name}.md5sums", f"{name}:amd64.md5sums")
            if (path := Path("/var/lib/dpkg/info", place)).exists()
        ]
        for line in kept.read_text().splitlines():
            digest, _, path = line.partition("  ")
            sums.setdefault(digest, []).append((name, Path(path).name))
    found, unknown = set(), set()
    with tarfile.open(billed / NODE) as archive:
        for member in archive:
            if not member.isfile() or "/__pycache__/" in member.name:
                continue
            content = archive.extractfile(member).read()
            digest = hashlib.md5(content).hexdigest()
            owners = {name for name, _ in sums.get(digest, [])}
            found |= owners
            if content and not owners:
                unknown.add(member.name)
    ours = re.compile(
        r"dockcred/((bin|plugins|licences|lib/programs)/[^/]+"
        r"|lib/python3\.\d+/(dockcred/.+|dock\w+\.py))"
    )
    assert not {name for name in unknown if not ours.fullmatch(name)}
    assert found == set(named)


def test_the_debian_packages_are_those_and_what_they_depend_on(billed):
    named = set(components(next(billed.glob("*-debian.cdx.json"))))
    needed = set()
    for deb in billed.glob("*.deb"):
        command = [program("dpkg-deb"), "--show", "--showformat"]
        form = "${Package}, ${Depends}"
        told = subprocess.run(
            [*command, form, deb], capture_output=True, text=True, check=True
        ).stdout
        needed |= {re.split(r"[\s(:]", name)[0] for name in told.split(", ")}
    assert named == needed


def test_the_bills_have_the_same_bytes_again(billed, tmp_path):
    again = shutil.copytree(billed, tmp_path / "again")
    for path in again.glob("*.cdx.json"):
        path.unlink()
    assert bill(again).returncode == 0
    bills = sorted(billed.glob("*.cdx.json"))
    assert len(bills) == len(KINDS)
    for path in bills:
        assert (again / path.name).read_bytes() == path.read_bytes()


CLICK = f"click-{importlib.metadata.version('click')}.dist-info/LICENSE"


def telling(version: str) -> bytes:
    """Return a version as it is stored in a file for Windows."""
    return f"ProductVersion\0\0{version}\0".encode("utf-16-le")


OF_WINDOWS = {
    "python313.dll": b"%b\0001.3.1\0" % telling("3.13.2"),
    **{f"{n}.dll": telling("3.1") for n in ("libcrypto-3", "sqlite3", "vcruntime140")},
    "libffi-8.dll": b"",
    "_lzma.pyd": b"",
    "_bz2.pyd": b"\0001.0.8, 13-Jul",
    "pyexpat.pyd": b"\0expat_2.6.4\0",
    "_decimal.pyd": b"\0004.0.0\0",
}
IN_ARCHIVES = {
    "*.pyz": dict.fromkeys(("dockcred/x.py", "click/x.py", CLICK), b""),
    "*-windows.zip": {
        **dict.fromkeys(("lib/dockcred/x.py", "lib/click/x.py", f"lib/{CLICK}"), b""),
        **{f"python/{name}": content for name, content in OF_WINDOWS.items()},
    },
}


@pytest.mark.parametrize(
    ("file", "added", "said"),
    [
        ("*.pyz", "attr/__init__.py", "has no papers of attr"),
        ("*.pyz", "six.py", "has no papers of six.py"),
        ("*.pyz", "click-1.0.dist-info/LICENSE", "has click 1.0, and here is"),
        ("*-windows.zip", "lib/six.py", "has no papers of six.py"),
        ("*-windows.zip", "python/zlib1.dll", "zlib1.dll, of no known package"),
        ("*-windows.zip", "other.exe", "has other.exe, which we do not know"),
    ],
)
def test_what_nobody_is_known_to_have_made_is_no_release(tmp_path, file, added, said):
    """The archives have a few parts each; only one of them is unknown."""
    (tmp_path / "dockcred-0.1.0-py3-none-any.whl").touch()
    for more in ({}, {added: b""}):
        with zipfile.ZipFile(tmp_path / file.replace("*", "dockcred"), "w") as archive:
            for name, content in (IN_ARCHIVES[file] | more).items():
                archive.writestr(name, content)
        refused_only_with(tmp_path, more, said)


@pytest.mark.parametrize("added", ["libvendored.so.1", "python3.11/vendored.py"])
def test_what_no_package_of_debian_has_is_in_no_directory(tmp_path, added):
    program("dpkg-query")
    (tmp_path / "dockcred-0.1.0-py3-none-any.whl").touch()
    places = [path.parent.name for path in Path("/usr/lib").glob("python3.*/os.py")]
    python = min(places) if places else missing("Debian's Python is not installed")
    for more in ((), (f"dockcred/lib/{added.replace('python3.11', python)}",)):
        with tarfile.open(tmp_path / NODE, "w:gz") as archive:
            for name in (f"dockcred/lib/{python}/os.py", *more):
                archive.addfile(tarfile.TarInfo(name))
        refused_only_with(tmp_path, more, added.rpartition("/")[2])


def refused_only_with(dist: Path, more: object, said: str) -> None:
    done = bill(dist)
    assert done.returncode == bool(more), done.stderr
    assert not more or said in done.stderr
