"""Each identity source: its answer, and the requests made for it."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from dockcred.testing.sandbox import rs256
from dockcred.testing.sandbox.google import sts
from dockcred.testing.sandbox.google.identities import WORKFORCE_USER
from dockcred.testing.sandbox.google.principals import email

from .conftest import NOT_FOUND

STORAGE = "https://www.googleapis.com/auth/devstorage.read_write"
IAM = "https://www.googleapis.com/auth/iam"
EXCHANGE = {"google-sts:token-exchange": 1}
IMPERSONATE = {"iamcredentials:generateAccessToken": 1}
SOURCES = {
    "google-service-account": (email("keyed"), {"google-oauth:jwt-bearer": 1}),
    "google-wif-file": (email("wif-file"), EXCHANGE | IMPERSONATE),
    "google-wif-direct": (sts.principal("wif-direct"), EXCHANGE),
    "google-wif-url": (
        sts.principal("wif-url"),
        EXCHANGE | {"google-subject:token": 1},
    ),
    "google-wif-executable": (sts.principal("wif-executable"), EXCHANGE),
    "google-wif-aws": (
        sts.principal("arn:aws:iam::123456789012:user/wif-aws"),
        EXCHANGE,
    ),
    "google-impersonated": (
        email("impersonated"),
        {"google-oauth:jwt-bearer": 1} | IMPERSONATE,
    ),
    "google-authorized-user": (
        "user@sandbox.example",
        {"google-oauth:refresh_token": 1},
    ),
    "google-workforce-user": (WORKFORCE_USER, {"google-sts:oauthtoken": 1}),
    "google-gcloud": ("gcloud@sandbox.example", {}),
    "google-metadata": (
        email("machine"),
        {"gce-metadata:default": 1, "gce-metadata:token": 1},
    ),
}
NOBODY = {"google-nobody"}


def test_every_identity_is_tried(cloud):
    assert {*SOURCES, *NOBODY} == cloud.google.identities.keys()


@pytest.mark.parametrize("name", SOURCES)
def test_the_source_mints_by_these_requests_and_the_second_get_by_none(
    name, cloud, run
):
    principal, calls = SOURCES[name]
    environment = cloud.environment(name)
    first = run(environment)
    assert (first.status, first.errors) == (0, "")
    assert first.username == "oauth2accesstoken"
    assert cloud.minted(first.secret).principal == principal
    assert made(cloud) == calls
    assert cloud.google.admits(first.username, first.secret, "gcr.io", time.time())
    cloud.reset()
    assert run(environment) == first
    assert not cloud.calls


def made(cloud):
    """Return the number of each call, without the proxy's tunnels."""
    return {call: n for call, n in cloud.calls.items() if call != "proxy:CONNECT"}


def requests_to(cloud, path):
    return [request for request in cloud.requests if request.path.endswith(path)]


def test_the_metadata_server_is_asked_with_its_header_and_no_more(cloud, run):
    run(cloud.environment("google-metadata"))
    account, token = cloud.requests
    assert (account.method, account.query) == ("GET", "recursive=true")
    assert (token.method, token.query, token.body) == ("GET", "", b"")
    assert token.path == "/computeMetadata/v1/instance/service-accounts/default/token"
    assert token.header("metadata-flavor") == "Google"
    assert not token.header("authorization")


def test_both_roads_ask_the_metadata_server_for_the_same_token(cloud, run):
    environment = cloud.environment("google-metadata")
    direct = run(environment)
    cloud.reset()
    sdk = run(environment | {"DOCKCRED_ROAD": "sdk"})
    assert sdk == direct
    assert requests_to(cloud, "/token")


def test_a_key_asks_for_the_scope_that_registries_need(cloud, run):
    run(cloud.environment("google-service-account"))
    (request,) = cloud.requests
    claims = rs256.claims(request.form["assertion"])
    assert claims["scope"] == STORAGE
    assert claims["aud"] == "https://oauth2.googleapis.com/token"


def test_a_direct_federation_asks_sts_for_the_registries_scope(cloud, run):
    run(cloud.environment("google-wif-direct"))
    (request,) = cloud.requests
    assert request.form["scope"] == STORAGE
    assert request.form["audience"] == sts.PROVIDERS["oidc"]
    assert request.form["subject_token_type"] == sts.JWT


def test_a_federation_that_impersonates_asks_sts_for_the_iam_scope_only(cloud, run):
    run(cloud.environment("google-wif-file"))
    exchange, impersonation = cloud.requests
    assert exchange.form["scope"] == IAM
    assert json.loads(impersonation.body)["scope"] == [STORAGE]
    assert impersonation.header("authorization").startswith("Bearer ya29.")


def test_the_life_of_an_impersonated_token_may_be_configured(cloud, run):
    environment = cloud.environment("google-wif-file")
    path = environment["GOOGLE_APPLICATION_CREDENTIALS"]
    with open(path) as file:
        document = json.load(file)
    document["service_account_impersonation"] = {"token_lifetime_seconds": 600}
    with open(path, "w") as file:
        json.dump(document, file)
    run(environment)
    assert json.loads(cloud.requests[1].body)["lifetime"] == "600s"


def test_a_service_account_to_impersonate_is_named_in_a_variable(cloud, run):
    environment = cloud.environment("google-service-account")
    target = email("deployer")
    cloud.google.principals.allow(email("keyed"), target)
    result = run(environment | {"GOOGLE_IMPERSONATE_SERVICE_ACCOUNT": target})
    assert cloud.minted(result.secret).principal == target
    assert cloud.calls["iamcredentials:generateAccessToken"] == 1


def test_a_token_without_an_end_is_answered_and_not_cached(cloud, run):
    cloud.google.tells_expiry = False
    environment = cloud.environment("google-wif-direct")
    first, second = run(environment), run(environment)
    assert (first.status, second.status) == (0, 0)
    assert first.secret != second.secret
    assert cloud.calls["google-sts:token-exchange"] == 2


def test_the_files_come_before_gcloud_and_gcloud_before_the_machine(cloud, run):
    """As in Google's libraries and the `env` source of docker-credential-gcr."""
    machine = cloud.environment("google-metadata")
    gcloud = cloud.environment("google-gcloud")
    keyed = cloud.environment("google-service-account")
    all_three = machine | keyed | gcloud | {"NO_GCE_CHECK": ""}
    assert cloud.minted(run(all_three).secret).principal == email("keyed")
    del all_three["GOOGLE_APPLICATION_CREDENTIALS"]
    assert cloud.minted(run(all_three).secret).principal == "gcloud@sandbox.example"
    all_three["HOME"] = machine["HOME"]  # where gcloud was never logged in
    assert cloud.minted(run(all_three).secret).principal == email("machine")


def test_the_well_known_file_is_where_cloudsdk_config_says(cloud, run, tmp_path):
    environment = cloud.environment("google-authorized-user")
    elsewhere = tmp_path / "elsewhere"
    Path(environment["HOME"], ".config/gcloud").rename(elsewhere)
    assert run(environment).output == NOT_FOUND
    named = run(environment | {"CLOUDSDK_CONFIG": str(elsewhere)})
    assert cloud.minted(named.secret).principal == "user@sandbox.example"
