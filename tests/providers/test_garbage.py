"""An answer that is none, from each endpoint that an identity asks, on both roads.

It is told in one line with cause and remedy: never unforeseen, never a traceback.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from support.program import HOST

from dockcred.testing.sandbox import Sandbox
from dockcred.testing.sandbox.sandbox import IDENTITIES

pytestmark = pytest.mark.slow  # all of them together
NIGHT = bool(os.environ.get("DOCKCRED_NIGHT"))
BODIES = ("wrong-shape", "garbage-body", "half", "garbage")
"""Kinds of failure of the sandbox's: JSON of another shape, no JSON, cut, no HTTP."""
BY_DAY = (
    *("env-keys", "profile", "assume-role", "web-identity", "container-relative"),
    *("instance-profile", "sso", "sso-refresh", "login-refresh", "azure-client-secret"),
    *("azure-workload-identity", "azure-imds", "azure-arc", "azure-app-service"),
    *("google-service-account", "google-wif-url", "google-impersonated"),
    *("google-metadata", "google-authorized-user", "github-app", "github-gh-token"),
    *("ci-github", "ci-azure-pipelines"),
)
"""So many that each service of the sandbox is asked by one."""
NOBODY = ("nothing", "nobody", "expired", "azure-nothing")
HELPERS = {
    "azure": ("acr-login", "contoso.azurecr.io"),
    "google": ("gcr", "europe-docker.pkg.dev"),
    "github": ("ghcr-login", "ghcr.io"),
    "ci": ("oidc", ""),
}


def ask(
    helper_bin: Path, environment: dict[str, str], identity: str, road: str
) -> tuple[int, str]:
    helper, host = HELPERS.get(identity.partition("-")[0], ("ecr-login", HOST))
    host = host or environment["DOCKCRED_OIDC_HOSTS"].split(",")[0]
    done = subprocess.run(
        [helper_bin / f"docker-credential-{helper}", "get"],
        env=environment
        | {"DOCKCRED_ROAD": road, "DOCKCRED_CACHE": "off", "DOCKCRED_TIMEOUT": "20"},
        input=host.encode(),
        capture_output=True,
        timeout=30,
        check=False,
    )
    return done.returncode, (done.stdout + done.stderr).decode()


@pytest.mark.parametrize("road", ["direct", "sdk"])
@pytest.mark.parametrize(
    "identity",
    [name for name in (IDENTITIES if NIGHT else BY_DAY) if not name.endswith(NOBODY)],
)
def test_an_answer_that_is_none_is_said_so(
    identity: str, road: str, cloud: Sandbox, helper_bin: Path
) -> None:
    chosen = "" if road == "direct" else road
    ask(helper_bin, cloud.environment(identity), identity, chosen)
    services = sorted({call.partition(":")[0] for call in cloud.calls})
    assert services, "somebody is asked"
    for number, service in enumerate(services):
        bodies = BODIES if NIGHT else BODIES[number % 2 : number % 2 + 1]
        for body in bodies:
            cloud.recover()
            cloud.fail(f"{service}:{body}")
            environment = cloud.environment(identity)
            status, said = ask(helper_bin, environment, identity, chosen)
            where = (identity, road, service, body, said)
            assert "unforeseen" not in said, where
            assert "Traceback" not in said, where
            assert "eyJ" not in said or status == 0, where
            assert status in {0, 1}, where


def test_every_service_is_asked_by_day() -> None:
    assert set(BY_DAY) <= set(IDENTITIES)
