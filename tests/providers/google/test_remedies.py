"""The remedies for Google's errors: never the remedy of a similar error."""

from __future__ import annotations

import json

import pytest

from dockcred.errors import EndedError
from dockcred.providers.google import access_token, impersonation, sdk
from dockcred.transport.response import Response

from .test_beside_google_auth import AT, BASES, IAM, OAUTH, STS
from .wire import Answer, Wire, message

REMEDY = "grant it the role"
WORKFORCE = "https://sts.googleapis.com/v1/oauthtoken"


@pytest.mark.parametrize(
    "code", ["500", "503", "504", "server_error", "temporarily_unavailable", "INTERNAL"]
)
def test_an_outage_is_no_lack_of_rights(code):
    told = access_token.meaning(code, "", "the key", REMEDY)
    assert "status.cloud.google.com" in told.remedy
    assert not isinstance(told, EndedError)


@pytest.mark.parametrize(
    ("code", "subtype"),
    [("invalid_grant", ""), ("401", ""), ("invalid_grant", "invalid_rapt")],
)
def test_an_end_is_told_with_its_own_remedy(code, subtype):
    told = access_token.meaning(code, subtype, "the key", REMEDY)
    assert isinstance(told, EndedError)
    assert told.remedy == REMEDY


def refusal(status, body=b""):
    return impersonation._failure(Response(status, {}, body), "a@p.example")


def test_an_api_that_is_not_enabled_is_named():
    body = {
        "error": {
            "code": 403,
            "status": "PERMISSION_DENIED",
            "details": [{"reason": "SERVICE_DISABLED"}],
        }
    }
    told = refusal(403, json.dumps(body).encode())
    assert "gcloud services enable iamcredentials.googleapis.com" in told.remedy
    assert "serviceAccountTokenCreator" in refusal(403).remedy


def test_an_account_that_does_not_exist_is_not_told_as_a_missing_grant():
    told = refusal(404)
    assert told.cause == "the service account a@p.example does not exist"
    assert "Creator" not in told.remedy


def test_a_life_that_is_too_long_is_not_told_as_a_missing_grant():
    assert "lifetime" in refusal(400).remedy


MISSHAPEN = (
    *([], None, "text", 5, b"<html>", {}),
    *({"access_token": 5, "expires_in": 1}, {"access_token": "", "expires_in": 1}),
)


@pytest.mark.parametrize("body", MISSHAPEN, ids=repr)
@pytest.mark.parametrize(
    ("name", "url"),
    [("service account", OAUTH), ("login", OAUTH), ("workforce", WORKFORCE)],
)
def test_an_answer_of_another_shape_is_told_as_one(name, url, body, tmp_path):
    """The credentials file is fine, so the remedy is not to make a new one."""
    wire = Wire(lambda *_: Answer(200, body))
    told = message(BASES[name], tmp_path, wire)
    assert "make it anew" not in told
    assert "answer" in told
    assert wire.asked[0].url == url


@pytest.mark.parametrize("body", MISSHAPEN, ids=repr)
@pytest.mark.parametrize(
    ("url", "said"), [(STS, "STS"), (IAM, "IAM Credentials API")], ids=["sts", "iam"]
)
def test_an_answer_of_sts_or_iam_of_another_shape_is_told_as_one(
    url, said, body, tmp_path
):
    wire = Wire(lambda at, _: Answer(200, body if at == url else AT[at]))
    told = message(BASES["federation and impersonation"], tmp_path, wire)
    assert said in told
    assert "make it anew" not in told


def test_a_subject_token_that_is_no_text_is_told_as_one(tmp_path):
    (tmp_path / "token").write_bytes(b"\xff\xfe")
    wire = Wire(lambda *_: Answer(404))
    assert "credential_source" in message(BASES["federation by a file"], tmp_path, wire)


def test_a_person_of_another_universe_is_told_so(tmp_path):
    document = BASES["login"] | {"universe_domain": "example.com"}
    told = message(document, tmp_path, Wire(lambda *_: Answer(404)))
    assert "another universe" in told


def test_a_failing_metadata_server_is_not_told_as_a_bad_token_uri():
    told = sdk._unread({"type": "metadata"}, "the machine's service account")
    assert "token_uri" not in told.remedy
