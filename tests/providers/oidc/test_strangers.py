"""Other projects' clients get tokens from our test issuers, by the same requests.

They are GitHub's @actions/core from npm, and `id` from PyPI, which sigstore and twine
use.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import real
from support.program import BUSY_S, Answer, Program
from support.real import missing

from .conftest import HOST

AUDIENCE = "https://registry.example.com"
CORE = Path("/usr/local/lib/dockcred-ci/actions-core/node_modules/@actions/core")
SCRIPT = """\
import {{ getIDToken }} from "{core}/lib/core.js";
const token = await getIDToken("{audience}");
process.stderr.write(token);
"""


@pytest.fixture
def actions_core():
    """Run GitHub's client: stderr has only the token, stdout the log's mask command."""
    node = real.program("node")
    if not CORE.exists():
        missing("@actions/core is not installed: see .ci/run")
    text = SCRIPT.format(core=CORE, audience=AUDIENCE)
    program = Program(node)

    def run(environment) -> Answer:
        return program("--input-type=module", "-e", text, environment=environment)

    return run


def by_id(environment, audience: str = AUDIENCE) -> subprocess.CompletedProcess[str]:
    """Run the module `id` from PyPI."""
    return subprocess.run(
        [sys.executable, "-m", "id", audience],
        env=environment,
        capture_output=True,
        text=True,
        timeout=BUSY_S,
        check=False,
    )


def said(request) -> tuple[str, ...]:
    return (
        request.method,
        request.path,
        request.query,
        request.header("authorization"),
    )


def test_github_s_own_client_gets_what_ours_gets(cloud, oidc, actions_core):
    environment = cloud.environment("ci-github")
    theirs = actions_core(environment)
    assert theirs.status == 0, theirs.stderr
    ours = oidc.get(environment, HOST).password
    first, second = cloud.requests
    assert said(first) == said(second)
    issuer, now = cloud.ci.github, time.time()
    claims = [
        issuer.verify(token, audience=AUDIENCE, now=now)
        for token in (theirs.stderr.decode(), ours)
    ]
    times = {"iat", "nbf", "exp", "jti"}
    assert claims[0].keys() == claims[1].keys()
    assert all(claims[0][n] == claims[1][n] for n in claims[0].keys() - times)


def test_github_s_own_client_is_refused_where_ours_is(cloud, oidc, actions_core):
    environment = cloud.environment("ci-github")
    environment["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] += "x"
    assert actions_core(environment).status == 1
    assert "(status 401)" in oidc.get(environment, HOST).said
    environment = cloud.environment("ci-github-without-permission")
    assert b"ACTIONS_ID_TOKEN_REQUEST" in actions_core(environment).stderr
    assert "id-token: write" in oidc.get(environment, HOST).said


@pytest.mark.parametrize("name", ["github", "buildkite"])
def test_id_gets_what_ours_gets(name, cloud, oidc):
    environment = cloud.environment(f"ci-{name}")
    issuer, now = getattr(cloud.ci, name), time.time()
    theirs = by_id(environment)
    assert theirs.returncode == 0, theirs.stderr
    ours = oidc.get(environment, HOST).password
    for token in (theirs.stdout.strip(), ours):
        assert issuer.verify(token, audience=AUDIENCE, now=now)["sub"]
    if name == "buildkite":
        one, other = Path(environment["HOME"], "calls").read_text().splitlines()
        assert one == other


@pytest.mark.parametrize(
    ("audience", "name"),
    [
        (AUDIENCE, "HTTPS___REGISTRY_EXAMPLE_COM_ID_TOKEN"),
        ("sigstore", "SIGSTORE_ID_TOKEN"),
        ("2nd", "_ND_ID_TOKEN"),
        ("ü-x", "__X_ID_TOKEN"),
    ],
)
def test_both_make_the_same_name_of_a_gitlab_audience(audience, name, cloud, oidc):
    environment = cloud.environment("ci-gitlab")
    for variable in ("DOCKCRED_OIDC_TOKEN_VARIABLE", "REGISTRY_ID_TOKEN"):
        del environment[variable]
    token = cloud.ci.gitlab.token(audience)
    environment |= {"DOCKCRED_OIDC_AUDIENCE": audience, name: token}
    assert by_id(environment, audience).stdout.strip() == token
    assert oidc.get(environment, HOST).password == token


def test_id_is_refused_where_ours_is(cloud, oidc):
    environment = cloud.environment("ci-github-without-permission")
    assert by_id(environment).returncode != 0
    assert oidc.get(environment, HOST).status == 1
