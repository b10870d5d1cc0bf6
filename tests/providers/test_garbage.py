"""Unusable answers from each endpoint that an identity asks, on both roads.

Each is told in one line with cause and remedy: no unforeseen error, no traceback.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from support.asking import NIGHT, ask

from dockcred.testing.sandbox import Sandbox
from dockcred.testing.sandbox.sandbox import IDENTITIES

pytestmark = pytest.mark.slow  # as a whole too long for `make test`
BODIES = ("wrong-shape", "garbage-body", "half", "garbage")
"""Failures of the sandbox: JSON of another shape, no JSON, cut short, no HTTP."""
BY_DAY = (
    *("env-keys", "profile", "assume-role", "web-identity", "container-relative"),
    *("instance-profile", "sso", "sso-refresh", "login-refresh", "azure-client-secret"),
    *("azure-workload-identity", "azure-imds", "azure-arc", "azure-app-service"),
    *("google-service-account", "google-wif-url", "google-impersonated"),
    *("google-metadata", "google-authorized-user", "github-app", "github-gh-token"),
    *("ci-github", "ci-azure-pipelines", "alibaba-rrsa", "alibaba-ecs-role"),
)
"""Enough identities that each service of the sandbox is asked by one of them."""
NOBODY = ("nothing", "nobody", "expired", "azure-nothing")


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
