"""The sandbox's STS, SSO and metadata services refuse what the real ones refuse."""

from __future__ import annotations

import json
import time
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import pytest

from dockcred.testing.sandbox.identity_tokens import Issuer

TOKEN = "/latest/api/token"
ROLES = "/latest/meta-data/iam/security-credentials/"
TTL = "X-aws-ec2-metadata-token-ttl-seconds"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
SUBJECT = "system:serviceaccount:default:web-identity"


def sts(http, **fields):
    body = urlencode({"Version": "2011-06-15", **fields})
    answer = http("POST", "/", FORM, body)
    code = ET.fromstring(answer.body).findtext(".//{*}Code")
    return answer.status, code


@pytest.fixture
def assume(cloud, http):
    """Call AssumeRoleWithWebIdentity with a token that has these properties."""
    role = cloud.environment("web-identity")["AWS_ROLE_ARN"]

    def call(issuer: Issuer = cloud.aws.issuer, **change):
        fields = {
            "Action": "AssumeRoleWithWebIdentity",
            "RoleArn": change.pop("role", role),
            "RoleSessionName": change.pop("session", "test"),
            "DurationSeconds": change.pop("duration", "900"),
        }
        claims = {
            "subject": SUBJECT,
            "audience": "sts.amazonaws.com",
            "issued_at": time.time(),
            "lifetime_s": 60,
        }
        return sts(http, WebIdentityToken=issuer.issue(**claims | change), **fields)

    return call


def test_a_good_identity_token_is_taken(assume):
    assert assume() == (200, None)


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"audience": "sts.amazonaws.com.evil.example"}, 400, "InvalidIdentityToken"),
        ({"lifetime_s": -1}, 400, "ExpiredTokenException"),
        ({"subject": "system:serviceaccount:default:other"}, 403, "AccessDenied"),
        ({"role": "arn:aws:iam::123456789012:role/none"}, 403, "AccessDenied"),
        ({"session": "not a name"}, 400, "ValidationError"),
        ({"duration": "60"}, 400, "ValidationError"),
    ],
)
def test_an_identity_token_that_does_not_fit_is_refused(assume, change, status, code):
    assert assume(**change) == (status, code)


def test_an_identity_token_signed_by_another_key_is_refused(assume, cloud):
    forger = Issuer(cloud.aws.issuer.url)
    assert assume(forger) == (400, "InvalidIdentityToken")


def test_an_identity_token_of_another_issuer_is_refused(assume, cloud, monkeypatch):
    monkeypatch.setattr(cloud.aws.issuer, "url", "https://other.example")
    token = cloud.aws.issuer.issue(
        subject=SUBJECT,
        audience="sts.amazonaws.com",
        issued_at=time.time(),
        lifetime_s=60,
    )
    monkeypatch.undo()
    assert token
    assert assume(_Fixed(token)) == (400, "InvalidIdentityToken")


class _Fixed:
    def __init__(self, token):
        self.issue = lambda **_: token


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c", "..", "é.ü.ö"])
def test_what_is_no_identity_token_is_refused(http, token):
    answer = sts(http, Action="AssumeRoleWithWebIdentity", WebIdentityToken=token)
    assert answer == (400, "InvalidIdentityToken")


def test_assume_role_must_be_signed(http):
    assert sts(http, Action="AssumeRole") == (403, "MissingAuthenticationToken")


def test_an_action_that_sts_lacks_is_refused(http):
    assert sts(http, Action="Nonsense") == (400, "InvalidAction")


ASSUME = """if True:
    import boto3, sys
    role, *more = sys.stdin.read().split()
    extra = dict(zip(("SerialNumber", "TokenCode"), more))
    sts = boto3.client("sts")
    sts.assume_role(RoleArn=role, RoleSessionName="test", **extra)
"""


def test_sts_refuses_a_role_that_trusts_somebody_else(boto3, cloud):
    cloud.environment("assume-role")
    environment = cloud.environment("env-keys")
    done = boto3(environment, ASSUME, "arn:aws:iam::123456789012:role/assume-role")
    assert "(AccessDenied)" in done.stderr


@pytest.mark.parametrize("code", ["", "654321"], ids=["missing", "wrong"])
def test_sts_refuses_a_role_without_the_devices_code(boto3, cloud, code):
    cloud.environment("assume-role-mfa")
    role = cloud.aws.roles["arn:aws:iam::123456789012:role/assume-role-mfa"]
    environment = cloud.environment("assume-role-mfa")
    environment["AWS_PROFILE"] = "source"
    stdin = f"{role.arn} {role.mfa_serial} {code}" if code else role.arn
    done = boto3(environment, ASSUME, stdin)
    assert "(AccessDenied)" in done.stderr
    assert "MultiFactorAuthentication" in done.stderr


@pytest.mark.parametrize("name", ["sso", "sso-legacy"])
def test_the_portal_wants_the_token_role_and_account_of_one_login(http, cloud, name):
    cloud.environment(name)
    (cache,) = (cloud.home / name / ".aws/sso/cache").iterdir()
    bearer = {"x-amz-sso_bearer_token": json.loads(cache.read_text())["accessToken"]}
    role = f"AWSReservedSSO_{name}_0123456789abcdef"

    def ask(headers=bearer, account="123456789012", role=role, method="GET"):
        query = urlencode({"role_name": role, "account_id": account})
        return http(method, f"/federation/credentials?{query}", headers).status

    assert ask() == 200
    assert ask({}) == 401
    assert ask({"x-amz-sso_bearer_token": "nonsense"}) == 401
    assert ask(account="210987654321") == 403
    assert ask(role="Administrator") == 403
    assert ask(method="POST") == 404
    assert http("GET", "/federation/credentials", bearer).status == 400


def test_the_portal_refuses_a_login_that_has_ended_and_a_refresh_token(http, cloud):
    for name, field in (("sso-expired", "accessToken"), ("sso", "refreshToken")):
        cloud.environment(name)
        (cache,) = (cloud.home / name / ".aws/sso/cache").iterdir()
        role = f"AWSReservedSSO_{name}_0123456789abcdef"
        answer = http(
            "GET",
            f"/federation/credentials?role_name={role}&account_id=123456789012",
            {"x-amz-sso_bearer_token": json.loads(cache.read_text())[field]},
        )
        assert answer.status == 401
        assert answer.headers["x-amzn-ErrorType"] == "UnauthorizedException"


def test_a_refresh_needs_the_clients_own_secret(http, cloud):
    cloud.environment("sso-refresh")
    (cache,) = (cloud.home / "sso-refresh/.aws/sso/cache").iterdir()
    login = json.loads(cache.read_text())
    good = {
        name: login[name] for name in ("clientId", "clientSecret", "refreshToken")
    } | {"grantType": "refresh_token"}
    assert http("POST", "/token", body=json.dumps(good)).status == 200
    for name in good:
        bad = json.dumps(good | {name: "x"})
        assert http("POST", "/token", body=bad).status in (400, 401), name
    assert http("POST", "/token", body="[]").status == 400


def imds_token(http, ttl="60"):
    return http("PUT", TOKEN, {TTL: ttl})


def test_the_metadata_server_gives_credentials_for_a_token(http):
    token = {"X-aws-ec2-metadata-token": imds_token(http).body.decode()}
    role = http("GET", ROLES, token)
    assert (role.status, role.body) == (200, b"instance-profile")
    answer = http("GET", ROLES + "instance-profile", token)
    assert answer.json["Code"] == "Success"
    assert http("GET", ROLES + "another", token).status == 404
    assert http("GET", "/latest/meta-data/placement/region", token).body == b"eu-west-1"


@pytest.mark.parametrize("ttl", ["", "0", "21601", "-1", "ten", "1.5"])
def test_a_metadata_token_needs_a_sensible_ttl(http, ttl):
    assert imds_token(http, ttl).status == 400


def test_a_metadata_token_is_not_given_to_a_forwarded_request(http):
    answer = http("PUT", TOKEN, {TTL: "60", "X-Forwarded-For": "192.0.2.1"})
    assert answer.status == 403


@pytest.mark.parametrize("headers", [{}, {"X-aws-ec2-metadata-token": "nonsense"}])
def test_the_metadata_server_answers_nothing_without_its_token(http, headers, cloud):
    for path in (ROLES, ROLES + "instance-profile", "/latest/meta-data/instance-id"):
        assert http("GET", path, headers).status == 401
    assert cloud.calls["imds:refused"] == 3


def test_a_metadata_token_ends(http, cloud):
    token = {"X-aws-ec2-metadata-token": imds_token(http).body.decode()}
    cloud.fail("imds:clock-skew:1")
    assert http("GET", ROLES, token).status == 401
    assert http("GET", ROLES, token).status == 200


def test_a_pod_must_show_its_own_token(http, cloud):
    environment = cloud.environment("pod-identity")
    path = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"]
    with open(path) as file:
        token = file.read()
    other = cloud.aws.issuer.issue(
        subject="x", audience="sts.amazonaws.com", issued_at=time.time(), lifetime_s=60
    )
    assert http("GET", "/v1/credentials", {"Authorization": token}).status == 200
    assert http("GET", "/v1/credentials").status == 401
    assert http("GET", "/v1/credentials", {"Authorization": token[:-4]}).status == 401
    assert http("GET", "/v1/credentials", {"Authorization": other}).status == 401


def test_a_task_must_know_its_uri(http):
    assert http("GET", "/v2/credentials/0123").status == 400


def test_what_no_service_serves_is_not_found(http, cloud):
    assert http("GET", "/nonsense").status == 404
    assert cloud.calls == {"unknown": 1}
