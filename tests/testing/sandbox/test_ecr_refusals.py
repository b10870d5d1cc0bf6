"""The sandbox's ECR refuses what the real one refuses, for signatures and calls."""

from __future__ import annotations

import datetime as dt
import json

import botocore.auth
import pytest

from dockcred.testing.sandbox import Sandbox

PUBLIC_TARGET = "SpencerFrontendService.GetAuthorizationToken"
REAL_HOST = "api.ecr.eu-west-1.amazonaws.com"


@pytest.fixture
def keys(cloud):
    return cloud.environment("env-keys")


@pytest.fixture
def session(cloud):
    return cloud.environment("env-session")


def refusal(answer):
    """Return the HTTP status and the error's code, as an SDK reads them."""
    return answer.status, answer.json["__type"]


def test_a_well_signed_call_is_served(http, signed, keys):
    assert http("POST", headers=signed(keys), body="{}").status == 200


def test_a_wrong_secret_is_a_wrong_signature(http, signed, keys):
    keys["AWS_SECRET_ACCESS_KEY"] += "x"
    answer = http("POST", headers=signed(keys), body="{}")
    assert refusal(answer) == (400, "InvalidSignatureException")


def test_a_body_changed_after_signing_is_refused(http, signed, keys):
    answer = http("POST", headers=signed(keys), body='{"registryIds":[]}')
    assert refusal(answer) == (400, "InvalidSignatureException")


@pytest.mark.parametrize("header", ["Host", "X-Amz-Date"])
def test_a_signed_header_changed_after_signing_is_refused(http, signed, keys, header):
    headers = signed(keys)
    date = headers["X-Amz-Date"]
    other = {"Host": "localhost:1", "X-Amz-Date": date[:-2] + "05"[date[-2] == "0"]}
    headers[header] = other[header] + "Z" * (header == "X-Amz-Date")
    answer = http("POST", headers=headers, body="{}")
    assert refusal(answer) == (400, "InvalidSignatureException")


def test_an_unsigned_call_is_refused(http, signed, keys):
    headers = signed(keys)
    del headers["Authorization"]
    answer = http("POST", headers=headers, body="{}")
    assert refusal(answer) == (400, "MissingAuthenticationTokenException")


def test_a_mangled_authorization_is_refused(http, signed, keys):
    headers = signed(keys)
    headers["Authorization"] = headers["Authorization"].replace("Signature=", "Sig=")
    answer = http("POST", headers=headers, body="{}")
    assert refusal(answer) == (400, "IncompleteSignatureException")


def test_an_amz_header_that_was_not_signed_is_refused(http, signed, keys):
    headers = signed(keys) | {"X-Amz-Smuggled": "1"}
    answer = http("POST", headers=headers, body="{}")
    assert refusal(answer) == (400, "IncompleteSignatureException")


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_signature_more_than_five_minutes_off_is_refused(
    http, signed, keys, minutes, monkeypatch
):
    then = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=minutes)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: then)
    answer = http("POST", headers=signed(keys), body="{}")
    assert refusal(answer) == (400, "InvalidSignatureException")


@pytest.mark.parametrize("minutes", [-4, 4])
def test_a_clock_four_minutes_off_is_tolerated(
    http, signed, keys, minutes, monkeypatch
):
    then = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=minutes)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: then)
    assert http("POST", headers=signed(keys), body="{}").status == 200


def test_a_key_never_issued_is_refused(http, signed, keys):
    keys["AWS_ACCESS_KEY_ID"] = "AKIAIOSFODNN7EXAMPLE"
    answer = http("POST", headers=signed(keys), body="{}")
    assert refusal(answer) == (400, "UnrecognizedClientException")


def test_a_key_of_another_sandbox_is_refused(http, signed):
    with Sandbox() as other:
        foreign = other.environment("env-keys")
    answer = http("POST", headers=signed(foreign), body="{}")
    assert refusal(answer) == (400, "UnrecognizedClientException")


def test_a_scope_of_another_service_is_refused(http, signed, keys):
    answer = http("POST", headers=signed(keys, service="sts"), body="{}")
    assert refusal(answer) == (400, "InvalidSignatureException")


def test_a_scope_of_another_region_than_the_hosts_is_refused(http, signed, keys):
    headers = signed(keys, region="us-east-1", host=REAL_HOST)
    answer = http("POST", headers=headers, body="{}")
    assert refusal(answer) == (400, "InvalidSignatureException")
    headers = signed(keys, region="eu-west-1", host=REAL_HOST)
    assert http("POST", headers=headers, body="{}").status == 200


def test_temporary_keys_need_their_session_token(http, signed, session):
    del session["AWS_SESSION_TOKEN"]
    answer = http("POST", headers=signed(session), body="{}")
    assert refusal(answer) == (400, "UnrecognizedClientException")


def test_a_session_token_of_other_keys_is_refused(http, signed, cloud, session):
    session["AWS_SESSION_TOKEN"] = cloud.environment("env-session")["AWS_SESSION_TOKEN"]
    answer = http("POST", headers=signed(session), body="{}")
    assert refusal(answer) == (400, "UnrecognizedClientException")


def test_temporary_keys_end(http, signed, cloud, session):
    old = cloud.aws.keys.find(session["AWS_ACCESS_KEY_ID"])
    expired = cloud.aws.keys.temporary(old.principal, expires_at=1)
    session |= {
        "AWS_ACCESS_KEY_ID": expired.access_key_id,
        "AWS_SECRET_ACCESS_KEY": expired.secret_access_key,
        "AWS_SESSION_TOKEN": expired.session_token,
    }
    answer = http("POST", headers=signed(session), body="{}")
    assert refusal(answer) == (400, "ExpiredTokenException")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"content_type": "application/json"}, "UnknownOperationException"),
        (
            {"target": "AmazonEC2ContainerRegistry_V20150921.DescribeImages"},
            "UnknownOperationException",
        ),
        ({"body": "registryIds"}, "InvalidParameterException"),
        ({"body": "[]"}, "InvalidParameterException"),
        ({"body": '{"registryIds":5}'}, "InvalidParameterException"),
        ({"body": '{"registryIds":["1234"]}'}, "InvalidParameterException"),
    ],
)
def test_a_call_that_is_malformed_is_refused(http, signed, keys, change, error):
    body = change.get("body", "{}")
    answer = http("POST", headers=signed(keys, **change), body=body)
    assert refusal(answer) == (400, error)


def test_the_public_registry_is_in_us_east_1_only(http, signed, keys):
    public = {"service": "ecr-public", "target": PUBLIC_TARGET}
    answer = http("POST", headers=signed(keys, **public), body="{}")
    assert refusal(answer) == (400, "InvalidSignatureException")
    headers = signed(keys, region="us-east-1", **public)
    assert http("POST", headers=headers, body="{}").status == 200


def test_the_public_registry_wants_its_own_scope(http, signed, keys):
    headers = signed(keys, region="us-east-1", target=PUBLIC_TARGET)
    answer = http("POST", headers=headers, body="{}")
    assert refusal(answer) == (400, "InvalidSignatureException")


def test_refusals_are_counted_as_calls_and_as_refusals(http, cloud):
    http("POST", headers={"X-Amz-Target": PUBLIC_TARGET}, body="{}")
    assert cloud.calls == {
        "ecr-public:GetAuthorizationToken": 1,
        "ecr-public:refused": 1,
    }
    (request,) = cloud.requests
    assert (request.method, request.path, request.body) == ("POST", "/", b"{}")
    cloud.reset()
    assert not cloud.calls
    assert not cloud.requests


def test_two_passwords_are_never_the_same(http, signed, keys):
    answers = [http("POST", headers=signed(keys), body="{}") for _ in range(2)]
    tokens = {json.dumps(answer.json["authorizationData"]) for answer in answers}
    assert len(tokens) == 2
