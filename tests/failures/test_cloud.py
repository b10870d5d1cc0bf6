"""Every failure of a cloud gives a cause and a remedy, in time, without a secret."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from support import entries
from support.program import NOT_FOUND, PUBLIC

from dockcred.testing.sandbox.failures import KINDS

pytestmark = pytest.mark.slow  # as a whole too long for `make test`
LIMIT_S = {"hang": 1.5}
DEFAULT_LIMIT_S = 8
WORDS = {
    "access-denied": "AWS denies ecr:GetAuthorizationToken",
    "throttle": "AWS throttles ecr:GetAuthorizationToken",
    "server-error": "failed at AWS",
    "expired-token": "session has expired",
    "unknown-account": "account id",
    "garbage": "",
    "garbage-body": "",
    "wrong-shape": "",
    "half": "",
    "page": "",
    "reset": "",
    "closed": "",
    "late": "",
    "huge": "",
    "hang": "gave up after 1.5 s while asking",
    "clock-skew": "clock is 60 min behind",
    "refuse": "refused",
    "proxy-busy": "proxy",
    "proxy-page": "",
    "no-tls": "",
    "wrong-certificate": "certificate",
}
ONCE_MORE = {"access-denied", "garbage-body", "wrong-shape", "huge", "refuse"}
"""The kinds of failure that are not retried, and so take no time."""
ROADS = {
    "direct": ("env-session", {}),
    "sdk": ("env-session", {"DOCKCRED_ROAD": "sdk"}),
}


def _is_clean(answer, cloud, environment):
    """Assert that no secret of the identity and no password is in any output."""
    printed = (answer.stdout + answer.stderr).decode("ascii")
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        if value := environment.get(name):
            assert value not in printed
    for password in cloud.aws.passwords._minted:
        assert password[:40] not in printed
    assert "Traceback" not in printed
    assert "unforeseen" not in printed
    assert "eyJ" not in printed


def test_every_failure_of_the_sandbox_is_tried():
    assert set(WORDS) == set(KINDS) - {"slow"}  # a slow answer is no failure


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("kind", WORDS)
def test_a_failure_is_one_line_with_its_remedy_in_time(kind, road, ecr, cloud):
    """The same on stdout and stderr, also with the log at its loudest."""
    identity, extra = ROADS[road]
    limit = LIMIT_S.get(kind, DEFAULT_LIMIT_S)
    environment = cloud.environment(identity) | extra
    environment |= {"DOCKCRED_TIMEOUT": str(limit)}
    cloud.fail(f"ecr:{kind}")
    answer = ecr.get(environment)
    said = answer.said
    cause, _, remedy = said.partition("; ")
    assert cause
    assert remedy, said
    assert WORDS[kind] in said
    _is_clean(answer, cloud, environment)
    assert not entries.paths(environment), "a failure is not cached as an answer"
    if kind in ONCE_MORE:
        loud = ecr.get(environment | {"DOCKCRED_LOG": "debug"})
        assert loud.status == 1
        _is_clean(loud, cloud, environment)


def test_by_default_a_hang_ends_within_eight_seconds(ecr, cloud):
    """With our own code and with the SDK; Nomad's driver kills after ten seconds."""
    for service in ("ecr", "sso"):
        cloud.fail(f"{service}:hang")
    environments = [cloud.environment("env-keys"), cloud.environment("sso")]
    with ThreadPoolExecutor() as both:
        direct, sdk = both.map(ecr.get, environments)
    assert "did not answer within 5 s" in direct.said
    assert sdk.said.startswith("gave up after 8 s")


@pytest.mark.parametrize(
    "identity, service",
    [
        ("assume-role", "sts"),
        ("web-identity", "sts"),
        ("sso", "sso"),
        ("instance-profile", "imds"),
        ("container-relative", "container"),
        ("pod-identity", "container"),
    ],
)
@pytest.mark.parametrize("kind", ["access-denied", "garbage", "half", "huge", "hang"])
def test_a_source_that_fails_is_told_too(kind, identity, service, ecr, cloud):
    """Not only ECR fails: also STS, the SSO portal, metadata, container endpoints."""
    limit = LIMIT_S.get(kind, DEFAULT_LIMIT_S)
    environment = cloud.environment(identity) | {"DOCKCRED_TIMEOUT": str(limit)}
    cloud.fail(f"{service}:{kind}")
    answer = ecr.get(environment)
    assert "; " in answer.said
    _is_clean(answer, cloud, environment)
    assert cloud.calls["ecr:GetAuthorizationToken"] == 0


def test_a_refusal_names_who_is_refused_and_not_what_aws_wrote(ecr, cloud):
    """AWS's own text may hold the canonical request, session token and all."""
    cloud.fail("sts:access-denied")
    said = ecr.get(cloud.environment("assume-role")).said
    assert said.startswith("AWS denies")
    assert "ordered" not in said


def test_for_the_public_gallery_a_refusal_is_not_found(ecr, cloud):
    """Public images still pull anonymously with a role that may not."""
    for road in ("direct", "sdk"):
        cloud.fail("ecr-public:access-denied")
        answer = ecr.get(cloud.environment() | {"DOCKCRED_ROAD": road}, PUBLIC)
        assert (answer.status, answer.stdout, answer.stderr) == (1, NOT_FOUND, b"")


def test_for_the_public_gallery_other_failures_are_told(ecr, cloud):
    cloud.fail("ecr-public:garbage")
    assert ecr.get(cloud.environment(), PUBLIC).said


@pytest.mark.parametrize(
    "identity, command",
    [
        ("sso-expired", "aws sso login --profile sso-expired"),
        ("login-expired", "aws login --profile login-expired"),
        ("assume-role-mfa", "aws sts get-caller-identity --profile assume-role-mfa"),
    ],
)
def test_an_expired_login_names_the_command_to_run(identity, command, ecr, cloud):
    assert command in ecr.get(cloud.environment(identity)).said


def test_keys_that_aws_does_not_know(ecr, cloud):
    for road in ("direct", "sdk"):
        environment = cloud.environment() | {
            "AWS_ACCESS_KEY_ID": "AKIAUNKNOWNUNKNOWN",
            "DOCKCRED_ROAD": road,
        }
        assert "does not know these access keys" in ecr.get(environment).said


@pytest.mark.parametrize(
    "spoil, words",
    [
        ({"AWS_PROFILE": "nobody"}, "profile nobody does not exist"),
        ({"AWS_CA_BUNDLE": "/nowhere.pem"}, "AWS_CA_BUNDLE"),
        ({"AWS_ENDPOINT_URL_ECR": "api.example.com"}, "not a URL"),
        ({"AWS_ENDPOINT_URL_ECR": "http://api.example.com"}, "plain http"),
        ({"AWS_ENDPOINT_URL_ECR": "https://user:pw@api.example.com"}, "endpoint"),
        ({"HTTPS_PROXY": "socks4://127.0.0.1:1", "https_proxy": ""}, "socks5://"),
        ({"HTTPS_PROXY": "socks5://127.0.0.1:1", "https_proxy": ""}, "127.0.0.1:1"),
        ({"HTTPS_PROXY": "http://127.0.0.1:1", "https_proxy": ""}, "127.0.0.1:1"),
    ],
    ids=str,
)
def test_a_variable_that_is_wrong_is_named(spoil, words, ecr, cloud):
    environment = cloud.environment(
        "shared-credentials" if "AWS_PROFILE" in spoil else "env-keys"
    )
    answer = ecr.get(environment | spoil)
    assert words in answer.said
    assert cloud.calls["ecr:GetAuthorizationToken"] == 0


def test_a_configuration_that_cannot_be_parsed(ecr, cloud):
    environment = cloud.environment("assume-role")
    (cloud.home / "assume-role/.aws/config").write_text("role_arn = no section\n[")
    assert "; " in ecr.get(environment).said


def test_a_token_file_that_is_missing_is_named(ecr, cloud):
    for identity, variable in (
        ("web-identity", "AWS_WEB_IDENTITY_TOKEN_FILE"),
        ("pod-identity", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
    ):
        environment = cloud.environment(identity) | {variable: "/nowhere/token"}
        assert variable in ecr.get(environment).said


def test_what_is_printed_of_a_stranger_s_text_drives_no_terminal(ecr, cloud):
    """The error repeats a profile's name, which has escape sequences here."""
    environment = cloud.environment("shared-credentials")
    answer = ecr.get(environment | {"AWS_PROFILE": "a\x1b[2J\x07b"})
    assert re.fullmatch(rb"[ -~]+\n", answer.stdout)
    assert re.fullmatch(rb"[ -~]+\n", answer.stderr)
