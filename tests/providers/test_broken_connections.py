"""A broken connection is retried, at each step of the direct roads and the SDKs' roads.

The first request of every step breaks, all in one `get`; a credential is answered.
A lasting failure ends with its cause, within the call's timeout.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from support.asking import NIGHT, ask
from support.program import HOST, NOT_FOUND, Program

from dockcred.testing.sandbox import Sandbox
from dockcred.transport.http import ATTEMPTS

pytestmark = pytest.mark.slow  # as a whole too long for `make test`

KINDS = ("reset", "closed", "half", "garbage")
DIRECT = (
    *("env-keys", "web-identity", "container-relative", "pod-identity"),
    *("instance-profile", "azure-client-secret", "azure-workload-identity"),
    *("azure-imds", "azure-imds-user", "azure-app-service"),
    *("google-metadata", "google-service-account", "google-impersonated"),
    *("google-authorized-user", "google-wif-url", "github-app"),
    *("ci-github", "ci-azure-pipelines"),
)
"""Identities that use our own requests; google-auth sends its requests by them, too."""
SDK = (
    "env-keys",
    "assume-role",
    "sso",
    "azure-client-secret",
    "azure-workload-identity",
)
GITHUB_SAYS = 201  # /rate_limit is asked on a hit only


def steps(cloud: Sandbox) -> Counter[str]:
    """Return the number of each service's requests, without the refused ones."""
    found: Counter[str] = Counter()
    for call, count in cloud.calls.items():
        service, _, what = call.partition(":")
        if service != "proxy" and what != "refused":
            found[service] += count
    return found


def break_each(cloud: Sandbox, asked: Counter[str], kind: str) -> None:
    """Make every second request of each service break, beginning with the first."""
    for service, count in asked.items():
        for _ in range(count):
            cloud.fail(f"{service}:{kind}:1")
            cloud.fail(f"{service}:slow=0:1")


def by_day(
    identities: tuple[str, ...], kinds: tuple[str, ...] = KINDS
) -> list[tuple[str, str]]:
    """Return each identity with every kind; by day (not NIGHT) with one kind."""
    return [
        (identity, kind)
        for number, identity in enumerate(identities)
        for kind in (kinds if NIGHT else (kinds[number % len(kinds)],))
    ]


@pytest.mark.parametrize("identity, kind", by_day(DIRECT))
def test_every_step_of_a_direct_road_outlives_one(
    identity: str, kind: str, cloud: Sandbox, helper_bin: Path
) -> None:
    environment = cloud.environment(identity)
    assert ask(helper_bin, environment, identity)[0] == 0
    asked = steps(cloud)
    cloud.reset()
    break_each(cloud, asked, kind)
    status, said = ask(helper_bin, environment, identity)
    assert status == 0, said
    assert steps(cloud) == Counter({name: 2 * n for name, n in asked.items()})


@pytest.mark.parametrize("identity, kind", by_day(SDK, ("reset", "closed")))
def test_every_step_of_an_sdk_s_road_outlives_one(
    identity: str, kind: str, cloud: Sandbox, helper_bin: Path
) -> None:
    environment = cloud.environment(identity)
    assert ask(helper_bin, environment, identity, "sdk")[0] == 0
    asked = steps(cloud)
    cloud.reset()
    break_each(cloud, asked, kind)
    status, said = ask(helper_bin, environment, identity, "sdk")
    assert status == 0, said


@pytest.mark.parametrize("kind", ["no-tls", "proxy-busy", "proxy-page"])
@pytest.mark.parametrize(
    "identity", ["web-identity", "azure-client-secret", "ci-github"]
)
def test_a_way_to_the_cloud_that_breaks_is_taken_anew(
    identity: str, kind: str, cloud: Sandbox, helper_bin: Path
) -> None:
    """The connection breaks before a request was sent."""
    environment = cloud.environment(identity)
    assert ask(helper_bin, environment, identity)[0] == 0
    services = set(steps(cloud))
    for service in services:
        cloud.fail(f"{service}:{kind}:1")
    status, said = ask(helper_bin, environment, identity)
    if kind == "proxy-page":
        assert "proxy" in said, "what a portal answers lasts"
    else:
        assert status == 0, said


@pytest.mark.parametrize(
    "identity, service",
    [
        ("env-keys", "ecr"),
        ("azure-client-secret", "acr"),
        ("azure-client-secret", "entra"),
        ("google-service-account", "google-oauth"),
        ("ci-github", "github-actions"),
    ],
)
def test_what_lasts_is_told_within_the_time_of_the_call(
    identity: str, service: str, cloud: Sandbox, helper_bin: Path
) -> None:
    environment = cloud.environment(identity)
    ask(helper_bin, environment, identity)
    (operation,) = (c for c in cloud.calls if c.startswith(f"{service}:"))
    cloud.reset()
    cloud.fail(f"{service}:reset")
    status, said = ask(helper_bin, environment, identity)
    assert (status, cloud.calls[operation]) == (1, ATTEMPTS)
    assert "broke" in said or "ended the connection" in said
    assert "gave up" not in said


@pytest.mark.parametrize(
    "identity, service",
    [
        ("instance-profile", "imds"),
        ("azure-imds", "azure-imds"),
        ("google-metadata", "gce-metadata"),
    ],
)
def test_metadata_that_breaks_is_not_told_as_no_identity(
    identity: str, service: str, cloud: Sandbox, helper_bin: Path
) -> None:
    """There is a metadata service, so an anonymous pull would be a guess."""
    cloud.fail(f"{service}:half")
    status, said = ask(helper_bin, cloud.environment(identity), identity)
    assert status == 1
    assert "credentials not found" not in said
    assert "no AWS identity was found" not in said


COUNTED = """
import importlib, sys
from dockcred.transport import http
exchange = http._exchange
http._exchange = lambda *each: print("asked", file=sys.stderr) or exchange(*each)
main = importlib.import_module(sys.argv[1]).main
sys.argv[1:] = ["get"]
main()
"""
"""A helper that prints a line for each of its requests; the address does not answer."""


@pytest.mark.parametrize(
    "identity, helper, server, variable",
    [
        ("nothing", "ecr_login", HOST, "AWS_EC2_METADATA_SERVICE_ENDPOINT"),
        (
            *("azure-nothing", "acr_login", "contoso.azurecr.io"),
            "AZURE_POD_IDENTITY_AUTHORITY_HOST",
        ),
    ],
)
def test_silence_is_not_asked_again(
    identity: str,
    helper: str,
    server: str,
    variable: str,
    cloud: Sandbox,
    helper_bin: Path,
) -> None:
    """Three attempts would cost three seconds in each `get` on a laptop."""
    environment = cloud.environment(identity)
    environment |= {
        variable: f"http://{cloud.silent()}",
        "AWS_EC2_METADATA_DISABLED": "",
        "PATH": "/nonexistent",
    }
    python = Program(str(helper_bin / "python"))
    module = f"docker_credential_{helper}"
    answer = python(
        "-c", COUNTED, module, environment=environment, stdin=server.encode()
    )
    assert answer.status == 1
    assert b"did not answer" in answer.stdout or answer.stdout == NOT_FOUND
    assert answer.stderr.splitlines().count(b"asked") == 1
