"""The archive for Windows, and its manifests for winget and scoop.

tests/windows runs the programs in it.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from pathlib import Path

import pytest
import yaml
from support import release

from dockcred.wiring import PROGRAMS

SCHEMAS = Path("/usr/local/lib/dockcred-ci/schemas")
"""The schemas of winget and scoop, by their own file names; tests do not download."""
URL = "https://example.com/v1"
WINGET = "dockcred.dockcred"
MANIFESTS = {
    "dockcred.json": "scoop.json",
    f"{WINGET}.yaml": "winget-version.json",
    f"{WINGET}.installer.yaml": "winget-installer.json",
    f"{WINGET}.locale.en-US.yaml": "winget-defaultLocale.json",
}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a release's files for Windows, made with a Python that cannot run here."""
    python = tmp_path_factory.mktemp("python")
    (python / "python.exe").write_bytes(b"MZ")
    (python / "python313._pth").write_text("python313.zip\n.\nLib\\site-packages\n")
    (python / "Lib").mkdir()
    target = tmp_path_factory.mktemp("published") / "dist"
    said = {"WINDOWS_PYTHON": str(python), "RELEASE_URL": f"{URL}/"}
    release.build(release.ROOT, target, "windows", **said)
    return target


@pytest.fixture(scope="module")
def archive(published: Path) -> zipfile.ZipFile:
    (path,) = published.glob("*.zip")
    return zipfile.ZipFile(path)


def read(published: Path, name: str) -> dict:
    return yaml.safe_load((published / name).read_text())


def test_each_program_is_a_launcher_of_the_python_beside_it(archive):
    """A search for Python could find one in the current directory."""
    for program in PROGRAMS:
        data = archive.read(f"{program}.exe")
        assert data.startswith(b"MZ")
        assert b"#!<launcher_dir>\\python\\python.exe\nPK" in data
        with zipfile.ZipFile(io.BytesIO(data)) as inner:
            text = inner.read("__main__.py").decode()
        module = text.split()[1].replace(".", "/")
        assert {f"lib/{module}.py", f"lib/{module}/__init__.py"} & {*archive.namelist()}


def test_that_python_has_our_modules_and_no_others(archive):
    assert archive.read("python/python313._pth") == b"python313.zip\n.\n..\\lib\n"
    assert not [name for name in archive.namelist() if "site-packages" in name]


def test_the_licence_of_all_that_is_in_it_is_in_it(archive):
    names = [name for name in archive.namelist() if "LICENSE" in name]
    assert {"LICENSE", "python/launcher-LICENSE.txt"} < {*names}
    libraries = ("click", "rich", "tomlkit")
    assert all(any(f"lib/{each}-" in n for n in names) for each in libraries)


def test_winget_and_scoop_are_told_what_is_there(published, archive):
    (path,) = published.glob("*.zip")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    wanted = sorted(f"{program}.exe" for program in ("dockcred", *PROGRAMS))
    scoop = json.loads((published / "dockcred.json").read_text())
    assert scoop["architecture"]["64bit"] == {
        "url": f"{URL}/{path.name}",
        "hash": digest,
    }
    assert sorted(scoop["bin"]) == wanted
    installer = read(published, f"{WINGET}.installer.yaml")
    (only,) = installer["Installers"]
    assert only["InstallerUrl"] == f"{URL}/{path.name}"
    assert only["InstallerSha256"].lower() == digest
    nested = [each["RelativeFilePath"] for each in installer["NestedInstallerFiles"]]
    assert sorted(nested) == wanted
    assert {
        read(published, name)["PackageVersion"] for name in MANIFESTS if "yaml" in name
    } == {scoop["version"]}


@pytest.mark.parametrize("name", MANIFESTS)
def test_they_are_as_their_schemas_want_them(published, name):
    jsonschema = pytest.importorskip("jsonschema")
    schema = SCHEMAS / MANIFESTS[name]
    if not os.path.exists(schema):
        pytest.skip(f"there is no {schema}")
    read_schema = json.loads(schema.read_text(encoding="utf-8-sig"))
    kind = jsonschema.validators.validator_for(read_schema)
    kind(read_schema).validate(read(published, name))
    with pytest.raises(jsonschema.ValidationError):
        kind(read_schema).validate(
            read(published, name) | {"License": 1, "bin": 1, "PackageVersion": 1}
        )
