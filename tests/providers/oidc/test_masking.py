"""A printed password is masked in the CI's log; an answer to docker needs no mask."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest
from support.program import BUSY_S, Program

from .conftest import HOST


@pytest.fixture
def dockcred(helper_bin: Path) -> Program:
    return Program(str(helper_bin / "dockcred"))


@pytest.fixture
def github(cloud) -> dict[str, str]:
    # Both calls of a test get the same token, so that the test knows it.
    environment = cloud.environment("ci-variable") | {"GITHUB_ACTIONS": "true"}
    return environment | {"DOCKCRED_OIDC_SOURCE": "variable"}


def basic(token: str) -> str:
    return b64encode(f"JWT:{token}".encode()).decode()


@pytest.mark.parametrize(
    "command",
    [
        ("get", HOST, "--password"),
        ("render", "user-pass", "--registry", HOST),
        ("render", "docker-config", "--registry", HOST),
    ],
)
def test_what_is_printed_is_masked_first(command, github, dockcred):
    token = github["JOB_TOKEN"]
    answer = dockcred(*command, environment=github)
    assert answer.status == 0, answer.stderr
    for text in (token, basic(token)):
        assert f"::add-mask::{text}\n" in answer.stderr.decode()
    assert b"add-mask" not in answer.stdout


def test_azure_pipelines_has_an_order_of_its_own(github, dockcred):
    environment = github | {"GITHUB_ACTIONS": "", "TF_BUILD": "True"}
    answer = dockcred("get", HOST, "--password", environment=environment)
    order = f"##vso[task.setsecret]{github['JOB_TOKEN']}\n"
    assert order in answer.stderr.decode()


def test_elsewhere_nothing_is_said(github, dockcred):
    environment = github | {"GITHUB_ACTIONS": ""}
    answer = dockcred("get", HOST, "--password", environment=environment)
    assert (answer.status, answer.stderr) == (0, b"")


def test_no_file_gets_the_order(github, dockcred, tmp_path):
    """If stderr is a file, the mask command itself would leak the password."""
    log = tmp_path / "log"
    with log.open("wb") as errors:
        process = dockcred.start(
            "get", HOST, "--password", environment=github, stderr=errors
        )
        output, _ = process.communicate(timeout=BUSY_S)
    assert output.decode().strip() == github["JOB_TOKEN"]
    assert log.read_bytes() == b""


def test_nor_does_a_file_that_is_rendered_need_it(github, dockcred, tmp_path):
    command = ("render", "docker-config", "--registry", HOST)
    file = str(tmp_path / "config.json")
    answer = dockcred(*command, "--output", file, environment=github)
    assert answer.status == 0, answer.stderr
    assert b"add-mask" not in answer.stderr


def test_the_helper_tells_its_client_alone(github, oidc):
    answer = oidc.get(github, HOST)
    assert (answer.status, answer.stderr) == (0, b"")
