"""What winget and scoop install, unpacked and run: it brings its own Python."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from support import release

from .conftest import PLACE, Windows
from .test_helpers import ECR, ECR_CALL, ECR_HOST, PATIENT

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("wine")]


@pytest.fixture(scope="module")
def unpacked(windows, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("archive") / "with blank ä"
    python = str(PLACE / "python")
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
