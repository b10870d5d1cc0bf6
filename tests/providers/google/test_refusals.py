"""Google's refusals and damaged files: each is told in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.program import LONG_S

from dockcred.testing.sandbox import Sandbox

from .conftest import NOT_FOUND

FILE = "GOOGLE_APPLICATION_CREDENTIALS"


def edit(environment, **change):
    path = Path(environment[FILE])
    document = json.loads(path.read_text()) | change
    path.write_text(json.dumps({k: v for k, v in document.items() if v is not None}))


def says_why(result, *words):
    assert result.status == 1
    assert "\n" not in result.output
    for word in words:
        assert word in result.output
    return True


def says(result, *words):
    assert says_why(result, *words)
    assert result.errors == f"docker-credential-gcr: {result.output}"
    return True


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, ("cannot be read", FILE)),
        ("", ("is not JSON",)),
        ("[" * 100_000, ("is not JSON",)),
        ("[]", ("of no type that registries take",)),
        ('{"type": "nonsense"}', ("of no type", "service_account")),
        ('{"type": "gdch_service_account"}', ("of no type",)),
        ('{"type": []}', ("of no type",)),
        ('{"type": {"type": "service_account"}}', ("of no type",)),
        ('{"type": "service_account"}', ("is not usable", "make it anew")),
        ('{"type": "authorized_user"}', ("is not whole", "make it anew")),
        ('{"type": "external_account"}', ("is not", "make it anew")),
        ('{"type": "impersonated_service_account"}', ("is not whole",)),
        (
            '{"type": "impersonated_service_account", "source_credentials": {}}',
            ("is not whole",),
        ),
        (
            '{"type":"impersonated_service_account","source_credentials":{"type":[]}}',
            ("is not",),
        ),
        ('{"type": "external_account", "credential_source": 5}', ("make it anew",)),
        ('{"type": "external_account", "credential_source": "file"}', ("make it",)),
    ],
)
def test_a_credentials_file_that_is_not_one_is_named(content, words, cloud, run):
    environment = cloud.environment("google-service-account")
    path = Path(environment[FILE])
    path.unlink() if content is None else path.write_text(content)
    assert says(run(environment), *words)
    assert not cloud.calls


def test_a_key_that_google_no_longer_knows_is_named(cloud, run):
    environment = cloud.environment("google-service-account")
    cloud.google.principals.keys.clear()
    assert says(run(environment), "the service account's key", "still exists")


def test_a_login_that_was_revoked_names_the_command(run):
    with Sandbox() as cloud:
        environment = cloud.environment("google-authorized-user")
        cloud.google.principals.refresh_tokens.clear()
        assert says(run(environment), "gcloud auth application-default login")


def test_a_workforce_login_that_was_revoked_names_the_command(cloud, run):
    environment = cloud.environment("google-workforce-user")
    cloud.google.principals.refresh_tokens.clear()
    assert says(run(environment), "gcloud auth application-default login")


def end_login(cloud, environment, name):
    """Make Google, or gcloud, refuse a login from now on."""
    cloud.google.principals.keys.clear()
    cloud.google.principals.refresh_tokens.clear()
    if name == "google-gcloud":
        program = Path(environment["HOME"]) / "bin/gcloud"
        program.write_text("#!/bin/sh\necho 'Reauthentication failed.' >&2; exit 1\n")


@pytest.mark.parametrize(
    "name",
    [
        "google-authorized-user",
        "google-workforce-user",
        "google-service-account",
        "google-gcloud",
    ],
)
def test_who_says_so_goes_on_anonymously_where_the_login_has_ended(name, cloud, run):
    """With the setting public images are pulled; without it a new login is demanded."""
    environment = cloud.environment(name) | {"DOCKCRED_LOG": "info"}
    end_login(cloud, environment, name)
    assert says_why(run(environment), "does not accept")
    result = run(environment | {"DOCKCRED_ANONYMOUS": "true"})
    assert (result.status, result.output) == (1, NOT_FOUND)
    assert "does not accept" in result.errors


@pytest.mark.parametrize("failure", ["throttle", "server-error", "garbage"])
def test_a_failure_that_passes_is_never_no_identity_whatever_is_said(
    failure, cloud, run
):
    cloud.fail(f"google-sts:{failure}")
    environment = cloud.environment("google-wif-direct")
    result = run(environment | {"DOCKCRED_ANONYMOUS": "true"})
    assert result.status == 1
    assert result.output != NOT_FOUND


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"audience": "//iam.googleapis.com/projects/1/other"}, ("federated token",)),
        (
            {"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"},
            ("federated token",),
        ),
        ({"token_url": "http://sts.example.com/v1/token"}, ("plain http",)),
        ({"token_url": "https://user:pw@sts.example.com/"}, ("fix its URL",)),
        ({"credential_source": {"file": "/nonexistent"}}, ("could not be had",)),
        ({"credential_source": {}}, ("make it anew",)),
        ({"credential_source": {"certificate": {}}}, ("X.509",)),
    ],
)
def test_a_federation_that_does_not_fit_is_named(change, words, cloud, run):
    environment = cloud.environment("google-wif-direct")
    edit(environment, **change)
    assert says(run(environment), *words)


def test_a_subject_token_is_never_repeated_in_a_message(cloud, run):
    environment = cloud.environment("google-wif-direct")
    token = (Path(environment[FILE]).parent / "token").read_text()
    edit(environment, audience="//iam.googleapis.com/projects/1/other")
    result = run(environment | {"DOCKCRED_LOG": "debug"})
    assert token not in result.output + result.errors


def test_a_program_for_the_token_must_be_allowed(cloud, run):
    environment = cloud.environment("google-wif-executable")
    del environment["GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES"]
    assert says(run(environment), "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES=1")


@pytest.mark.parametrize("script", ["exit 1", "echo garbage", f"exec sleep {LONG_S}"])
def test_a_program_that_fails_is_named_within_the_time(script, cloud, run):
    environment = cloud.environment("google-wif-executable")
    program = Path(environment[FILE]).parent / "subject-token"
    program.write_text(f"#!/bin/sh\n{script}\n")
    result = run(environment | {"DOCKCRED_TIMEOUT": "3"})
    assert result.status == 1
    assert "\n" not in result.output


def test_an_impersonation_that_is_not_granted_names_the_role(cloud, run):
    environment = cloud.environment("google-impersonated")
    cloud.google.principals.grants.clear()
    assert says(
        run(environment), "impersonation of impersonated@", "serviceAccountTokenCreator"
    )


@pytest.mark.parametrize(
    "account", ["nobody", "a@b/../../x", "a@b:generateAccessToken?x=", "@", "a b@c"]
)
def test_what_is_no_account_is_not_put_into_a_url(account, cloud, run):
    environment = cloud.environment("google-service-account")
    environment["GOOGLE_IMPERSONATE_SERVICE_ACCOUNT"] = account
    assert says(run(environment), "not an e-mail address")


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        ("google-sts:throttle", ("throttles",)),
        ("google-sts:access-denied", ("denies",)),
        ("google-sts:garbage", ("did not answer in HTTP",)),
        ("google-sts:garbage-body", ("Google's STS was not to be read",)),
        ("google-sts:half", ("half-way",)),
        ("google-sts:hang", ("did not answer within",)),
    ],
)
@pytest.mark.slow
def test_bad_weather_at_sts_is_told_in_one_line(failure, words, cloud, run):
    cloud.fail(failure)
    result = run(cloud.environment("google-wif-direct"))
    assert result.status == 1
    assert "\n" not in result.output
    assert "Traceback" not in result.errors
    for word in words:
        assert word in result.output


@pytest.mark.parametrize("failure", ["refuse", "wrong-certificate"])
def test_a_proxy_that_refuses_and_a_wrong_certificate_are_told(failure, run):
    with Sandbox() as cloud:
        cloud.fail(f"google-oauth:{failure}")
        result = run(cloud.environment("google-service-account"))
        assert result.status == 1
        assert "oauth2.googleapis.com" in result.output
        assert cloud.calls["google-oauth:jwt-bearer"] == 0
