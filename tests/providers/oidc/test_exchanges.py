"""Each exchange gives a credential for a job's token, and refuses changed tokens."""

from __future__ import annotations

import json
import time

import pytest
from support.program import NOT_FOUND, Program

from dockcred.testing.sandbox import Sandbox

from .conftest import HOST

AUDIENCES = {
    "docker-hub": "https://identity.docker.com",
    "quay": "https://quay.io",
    "chainguard": "cgr.dev",
    "jfrog": "jfrog-github",
    "cloudsmith": "cloudsmith",
    "sts": "https://sts.example.com",
}
HOSTS = {
    "docker-hub": "https://index.docker.io/v1/",
    "quay": "quay.io",
    "chainguard": "cgr.dev",
    "jfrog": "acme.jfrog.io",
    "cloudsmith": "docker.cloudsmith.io",
    "sts": HOST,
}
every = pytest.mark.parametrize("kind", AUDIENCES)


@pytest.fixture
def cloud():
    """The sandbox has real host names: an exchange's address cannot be changed."""
    with Sandbox(tls=True) as sandbox:
        yield sandbox


def exchange(cloud, kind: str):
    return getattr(cloud.ci, kind.replace("-", "_"))


def job(cloud, kind: str, identity: str = "ci-github") -> dict[str, str]:
    """Return the variables of a job that is configured for the exchange."""
    ci = cloud.ci
    ci.audience = AUDIENCES[kind]
    own = {
        "docker-hub": {
            "DOCKCRED_OIDC_EXCHANGE_AS": ci.docker_hub.connection,
            "DOCKCRED_OIDC_USERNAME": ci.docker_hub.organisation,
        },
        "quay": {"DOCKCRED_OIDC_EXCHANGE_AS": ci.quay.robot},
        "chainguard": {"DOCKCRED_OIDC_EXCHANGE_AS": ci.chainguard.identity},
        "jfrog": {"DOCKCRED_OIDC_EXCHANGE_AS": ci.jfrog.provider},
        "cloudsmith": {"DOCKCRED_OIDC_EXCHANGE_AS": ci.cloudsmith.service},
        "sts": {
            "DOCKCRED_OIDC_EXCHANGE": "https://sts.example.com/ci/sts/token",
            "DOCKCRED_OIDC_EXCHANGE_AS": ci.sts.client,
            "DOCKCRED_OIDC_EXCHANGE_AUDIENCE": "registry.example.com",
            "DOCKCRED_OIDC_EXCHANGE_SCOPE": ci.sts.scope,
        },
    }[kind]
    return (
        cloud.environment(identity)
        | {"DOCKCRED_OIDC_HOSTS": ",".join(("docker.io", *map(registry, HOSTS)))}
        | {"DOCKCRED_OIDC_EXCHANGE": kind}
        | own
    )


def registry(kind: str) -> str:
    return HOSTS[kind].removeprefix("https://").partition("/")[0]


@every
def test_the_registry_takes_what_was_got_and_the_second_get_asks_nobody(
    kind, cloud, oidc
):
    environment = job(cloud, kind)
    answer = oidc.get(environment, HOSTS[kind])
    user, now = json.loads(answer.stdout)["Username"], time.time()
    assert cloud.ci.admits(user, answer.password, registry(kind), now)
    assert not cloud.ci.admits(user, answer.password, registry(kind), now + 3700)
    assert not cloud.ci.admits(user, answer.password + "x", registry(kind), now)
    cloud.reset()
    assert oidc.get(environment, HOSTS[kind]).stdout == answer.stdout
    assert not cloud.calls


@every
@pytest.mark.parametrize("claim", ["sub", "aud", "iss", "key", "exp", "nbf"])
def test_one_claim_changed_is_refused(kind, claim, cloud, oidc):
    """The exchange refuses it; our own check finds a wrong `aud` and `exp` only."""
    environment = job(cloud, kind, "ci-variable")
    issuer, audience = cloud.ci.github, AUDIENCES[kind]
    changes = {
        "sub": {"sub": "repo:evil/app:ref:refs/heads/main"},
        "aud": {"aud": [audience + ".evil"]},
        "iss": {"iss": "https://evil.example"},
        "key": {},
        "exp": {"exp": int(time.time()) - 1},
        "nbf": {"nbf": int(time.time()) + 600},
    }[claim]
    signer = cloud.ci.gitlab if claim == "key" else issuer
    environment["JOB_TOKEN"] = signer.token(audience, **changes)
    said = oidc.get(environment, HOSTS[kind]).said
    if claim in {"aud", "exp"}:
        assert "the token in JOB_TOKEN" in said
        return
    assert "does not accept the token" in said
    assert "; see " in said
    assert environment["JOB_TOKEN"] not in said
    environment["JOB_TOKEN"] = issuer.token(audience)
    environment["DOCKCRED_CACHE"] = "off"
    assert oidc.get(environment, HOSTS[kind]).status == 0


@every
def test_another_name_there_is_refused(kind, cloud, oidc):
    named = "acme/somebody" if kind == "cloudsmith" else "somebody+else"
    environment = job(cloud, kind) | {"DOCKCRED_OIDC_EXCHANGE_AS": named}
    said = oidc.get(environment, HOSTS[kind]).said
    code = "" if kind in {"jfrog", "cloudsmith"} else ", invalid_grant"
    assert f"does not accept the token (400{code})" in said


@every
def test_the_token_goes_to_the_exchange_alone(kind, cloud, oidc):
    oidc.get(job(cloud, kind), HOSTS[kind])
    minted, exchanged = cloud.requests
    assert minted.host == cloud.ci.github.service_host
    assert exchanged.host == exchange(cloud, kind).host


@pytest.mark.parametrize("kind", ["docker-hub", "chainguard"])
def test_an_exchange_serves_its_own_registries_alone(kind, cloud, oidc):
    said = oidc.get(job(cloud, kind), HOST).said
    assert f"{HOST} is none of them" in said
    assert not cloud.calls


@pytest.mark.parametrize(
    "kind", ["docker-hub", "quay", "chainguard", "jfrog", "cloudsmith"]
)
def test_who_one_is_must_be_said(kind, cloud, oidc):
    environment = job(cloud, kind) | {"DOCKCRED_OIDC_EXCHANGE_AS": ""}
    assert "DOCKCRED_OIDC_EXCHANGE_AS is not set" in (
        oidc.get(environment, HOSTS[kind]).said
    )
    assert not cloud.calls


def test_two_quays_at_two_ports_of_a_host_are_two(cloud, oidc, monkeypatch):
    """The credential of one is never answered for the other."""
    from dockcred.testing.sandbox.messages import Response

    def by_port(request, now):
        where = request.header("host")
        return Response(200, f'{{"token":"of-{where}","expires_in":3600}}'.encode())

    monkeypatch.setattr(cloud.ci.quay, "answer", by_port)
    environment = job(cloud, "quay")
    for where in ("quay.io", "quay.io:8443", "quay.io", "quay.io:9443"):
        assert oidc.get(environment, where).password == f"of-{where}"
    assert cloud.calls["quay:exchange"] == 3


@pytest.mark.parametrize("kind", ["docker-hub", "chainguard"])
def test_the_audience_is_not_assumed_but_told(kind, cloud, oidc):
    environment = job(cloud, kind) | {"DOCKCRED_OIDC_AUDIENCE": ""}
    said = oidc.get(environment, HOSTS[kind]).said
    assert "DOCKCRED_OIDC_AUDIENCE is not set" in said
    assert said.endswith(f"to {AUDIENCES[kind]}")
    assert not cloud.calls


def test_docker_hub_needs_the_organisation(cloud, oidc):
    environment = job(cloud, "docker-hub") | {"DOCKCRED_OIDC_USERNAME": ""}
    said = oidc.get(environment, HOSTS["docker-hub"]).said
    assert "DOCKCRED_OIDC_USERNAME is not set" in said


@pytest.mark.parametrize(
    ("exchange", "words"),
    [
        ("vault", "names no exchange"),
        ("http://sts.example.com/token", "plain http to sts.example.com is refused"),
        ("https://user@sts.example.com/token", "not an https URL"),
        ("https://nowhere.example/token", "nowhere.example"),
    ],
)
def test_an_exchange_that_is_none_is_told(exchange, words, cloud, oidc):
    environment = job(cloud, "sts") | {"DOCKCRED_OIDC_EXCHANGE": exchange}
    said = oidc.get(environment, HOST).said
    assert words in said
    assert cloud.calls["sts:exchange"] == 0


def test_a_password_without_an_end_is_not_kept(cloud, oidc):
    cloud.ci.sts.tells_expiry = False
    environment = job(cloud, "sts")
    first, second = (oidc.get(environment, HOST).password for _ in range(2))
    assert first != second
    assert cloud.calls["sts:exchange"] == 2


@every
@pytest.mark.parametrize(
    "failure", ["throttle", "server-error", "garbage-body", "hang"]
)
@pytest.mark.slow
def test_bad_weather_is_one_line_in_good_time(kind, failure, cloud, oidc):
    environment = job(cloud, kind) | {"DOCKCRED_TIMEOUT": "2"}
    cloud.fail(f"{exchange(cloud, kind).name}:{failure}")
    answer = oidc.get(environment, HOSTS[kind])
    assert answer.said


@every
def test_who_stumbles_once_is_asked_again(kind, cloud, oidc):
    environment = job(cloud, kind)
    cloud.fail("github-actions:server-error:1")
    cloud.fail(f"{exchange(cloud, kind).name}:throttle:1")
    assert oidc.get(environment, HOSTS[kind]).status == 0


@pytest.mark.parametrize("life", ["Infinity", "NaN", "1e999", "9" * 400, '"x"', "[]"])
def test_a_life_that_no_clock_shows_is_none(life, cloud, oidc, monkeypatch):
    from dockcred.testing.sandbox.messages import Response

    def odd(request, now):
        return Response(200, f'{{"access_token":"a","expires_in":{life}}}'.encode())

    monkeypatch.setattr(cloud.ci.sts, "answer", odd)
    environment = job(cloud, "sts")
    assert oidc.get(environment, HOST).password == "a"
    assert oidc.get(environment, HOST).password == "a"
    assert cloud.calls["sts:exchange"] == 2


def test_a_redirect_of_the_exchange_is_not_followed(cloud, oidc, monkeypatch):
    from dockcred.testing.sandbox.messages import Response

    def elsewhere(request, now):
        return Response(307, b"", {"Location": "https://evil.example/token"})

    monkeypatch.setattr(cloud.ci.sts, "answer", elsewhere)
    said = oidc.get(job(cloud, "sts"), HOST).said
    assert "did not exchange the token (status 307)" in said
    assert {r.host for r in cloud.requests} == {
        cloud.ci.github.service_host,
        "sts.example.com",
    }


@pytest.mark.parametrize(
    ("host", "is_served"),
    [
        ("https://index.docker.io/v1/", True),
        ("docker.io", True),
        ("docker.io.example", False),
        ("http://docker.io", False),
    ],
)
def test_the_variable_of_docker_s_own_action_is_enough_for_docker_hub(
    cloud, helper_bin, host: str, *, is_served: bool
):
    """The organisation's name is needed, too. Other hosts send no request."""
    environment = job(cloud, "docker-hub")
    connection = environment.pop("DOCKCRED_OIDC_EXCHANGE_AS")
    for name in ("HOSTS", "EXCHANGE", "AUDIENCE"):
        environment.pop(f"DOCKCRED_OIDC_{name}", None)
    auto = Program(str(helper_bin / "docker-credential-auto"))
    cloud.reset()
    assert auto.get(environment, host).stdout == NOT_FOUND
    environment["DOCKERHUB_OIDC_CONNECTIONID"] = connection
    answer = auto.get(environment, host)
    assert bool(cloud.calls) == is_served
    if is_served:
        assert cloud.ci.docker_hub.admits(
            cloud.ci.docker_hub.organisation, answer.password, "docker.io", time.time()
        )
    else:
        assert answer.stdout == NOT_FOUND
