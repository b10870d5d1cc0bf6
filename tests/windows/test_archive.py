"""The archive for winget and scoop, unpacked and run with its own Python."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from support import release

from .conftest import Windows
from .test_helpers import ECR, ECR_CALL, ECR_HOST, PATIENT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def unpacked(windows, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("archive") / "with blank ä"
    python = str(release.WINDOWS_PYTHON)
    release.build(release.ROOT, place, "windows", WINDOWS_PYTHON=python)
    (path,) = place.glob("*.zip")
    with zipfile.ZipFile(path) as archive:
        archive.extractall(place)
    return place


def test_a_credential_is_minted_and_cached_by_no_python_of_the_machine(unpacked, cloud):
    variables = cloud.environment("env-keys") | PATIENT
    first = Windows(unpacked).get(ECR, ECR_HOST, variables)
    assert json.loads(first.stdout)["Secret"], first
    assert Windows(unpacked).get(ECR, ECR_HOST, variables).stdout == first.stdout
    assert cloud.calls[ECR_CALL] == 1


def test_dockcred_itself_speaks_to_people(unpacked):
    answer = Windows(unpacked).run("dockcred", "--help", variables=PATIENT)
    assert (answer.status, answer.stderr) == (0, b""), answer
    assert b"setup" in answer.stdout


def test_install_says_where_they_are_and_speaks_of_no_pip(unpacked):
    where = Windows(unpacked).path(unpacked)
    told = Windows(unpacked).run("dockcred", "install", variables=PATIENT)
    gone = Windows(unpacked).run("dockcred", "install", "--remove", variables=PATIENT)
    assert (told.status, gone.status) == (0, 0), (told, gone)
    said = told.stdout.decode("cp1252")
    assert f"the programs in {where} stay as they are: Windows runs no laun" in said
    assert f"{where} is not on your PATH" in said
    assert b"pip" not in told.stdout + gone.stdout


def test_its_bill_names_what_its_python_says_that_it_has(unpacked):
    (unpacked / "dockcred-0.1.0-py3-none-any.whl").touch()
    done = release.bill(unpacked)
    assert done.returncode == 0, done.stderr
    (path,) = unpacked.glob("*.cdx.json")
    parts = json.loads(path.read_text())["components"]
    named = {part["name"]: part["version"] for part in parts}
    answer = Windows(unpacked / "python/Scripts").python(VERSIONS)
    told = json.loads(answer.stdout)
    assert len(told) == VERSIONS.count("=")
    for name, version in told.items():
        assert f"{named[name]}.".startswith(f"{version}."), name


VERSIONS = """
import decimal, json, platform, pyexpat, sqlite3, ssl, zlib
print(json.dumps(dict(
    python=platform.python_version(),
    openssl=ssl.OPENSSL_VERSION.split()[1],
    sqlite=sqlite3.sqlite_version,
    zlib=zlib.ZLIB_RUNTIME_VERSION,
    expat=pyexpat.EXPAT_VERSION.removeprefix("expat_"),
    mpdecimal=decimal.__libmpdec_version__,
)))
"""
