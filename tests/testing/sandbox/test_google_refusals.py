"""Google's services in the sandbox refuse what the real ones refuse."""

from __future__ import annotations

import json
import time
from base64 import b64encode
from urllib.parse import quote, urlencode

import jwt
import pytest

from dockcred.testing.sandbox import rs256
from dockcred.testing.sandbox.google import iam, oauth, sts, subject
from dockcred.testing.sandbox.google.principals import email
from dockcred.testing.sandbox.identity_tokens import Issuer

ACCOUNT = "/computeMetadata/v1/instance/service-accounts/default"
FLAVOR = {"Metadata-Flavor": "Google"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
STORAGE = "https://www.googleapis.com/auth/devstorage.read_write"


@pytest.mark.parametrize("path", ["/token", "/email", "/scopes", "/?recursive=true"])
@pytest.mark.parametrize("name", ["default", email("machine")])
def test_the_metadata_server_answers_who_sends_the_header(name, path, http):
    answer = http("GET", ACCOUNT.replace("default", name) + path, FLAVOR)
    assert answer.status == 200
    assert answer.headers["Metadata-Flavor"] == "Google"


def test_the_look_of_googles_go_library_finds_the_metadata_server(http):
    """docker-credential-gcr sends this request at its start, without the header."""
    answer = http("GET", "/", {"User-Agent": "gcloud-golang/0.1"})
    assert (answer.status, answer.headers["Metadata-Flavor"]) == (200, "Google")


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", f"{ACCOUNT}/token", {}, 403),
        ("GET", f"{ACCOUNT}/token", {"Metadata-Flavor": "google"}, 403),
        ("GET", f"{ACCOUNT}/token", FLAVOR | {"X-Forwarded-For": "10.0.0.1"}, 403),
        ("POST", f"{ACCOUNT}/token", FLAVOR, 403),
        ("GET", f"{ACCOUNT}/identity", FLAVOR, 400),
        ("GET", "/computeMetadata/v1/instance/nonsense", FLAVOR, 404),
    ],
)
def test_the_metadata_server_refuses(method, path, headers, status, http):
    assert http(method, path, headers).status == status


def test_an_instance_without_an_account_has_no_token(cloud, http):
    cloud.google.machine_account = ""
    assert http("GET", f"{ACCOUNT}/token", FLAVOR).status == 404


@pytest.fixture
def key(cloud):
    return cloud.google.principals.new_key("tester")


def claims(key, **change):
    now = int(time.time())
    good = {
        "iss": key.account,
        "aud": oauth.AUDIENCE,
        "iat": now,
        "exp": now + 3600,
        "scope": STORAGE,
    }
    return {k: v for k, v in (good | change).items() if v is not None}


def grant(http, assertion, grant_type=oauth.JWT_BEARER):
    body = urlencode({"grant_type": grant_type, "assertion": assertion})
    answer = http("POST", oauth.LOOPBACK_PATH, FORM, body)
    return answer.status, answer.json.get("error")


def signed(key, private=None, algorithm="RS256", **change):
    return jwt.encode(claims(key, **change), private or key.private, algorithm)


def test_a_good_assertion_is_taken(http, key):
    assert grant(http, signed(key)) == (200, None)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"aud": "https://evil.example/token"}, "invalid_grant"),
        ({"iss": email("stranger")}, "invalid_grant"),
        ({"exp": -5}, "invalid_grant"),
        ({"exp": 7200}, "invalid_grant"),
        ({"iat": 1800, "exp": 3600}, "invalid_grant"),
        ({"iat": None}, "invalid_grant"),
        ({"exp": None}, "invalid_grant"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "everything"}, "invalid_scope"),
    ],
)
def test_an_assertion_that_does_not_fit_is_refused(change, error, http, key):
    """Times are in seconds from now, as tests may run long after their collection."""
    now = int(time.time())
    told = {n: now + v if isinstance(v, int) else v for n, v in change.items()}
    assert grant(http, signed(key, **told)) == (400, error)


def test_an_assertion_signed_by_another_key_is_refused(http, key):
    forged = signed(key, private=rs256.new_key())
    assert grant(http, forged) == (400, "invalid_grant")


def test_an_assertion_signed_with_a_shared_secret_or_not_at_all_is_refused(http, key):
    for algorithm, secret in (("HS256", "x" * 32), ("none", None)):
        assertion = jwt.encode(claims(key), secret, algorithm)
        assert grant(http, assertion) == (400, "invalid_grant")


@pytest.mark.parametrize("assertion", ["", "a.b", "a.b.c", "é.ü.ö"])
def test_what_is_no_assertion_is_refused(assertion, http):
    assert grant(http, assertion) == (400, "invalid_request")


def test_another_grant_is_refused(http, key):
    assert grant(http, signed(key), "password") == (400, "unsupported_grant_type")


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({}, 200, None),
        ({"refresh_token": "1//other"}, 400, "invalid_grant"),
        ({"client_id": "other"}, 401, "invalid_client"),
        ({"client_secret": "other"}, 401, "invalid_client"),
    ],
)
def test_a_refresh_token_is_taken_from_its_own_client_only(
    change, status, error, cloud, http
):
    form = {
        "grant_type": "refresh_token",
        "refresh_token": cloud.google.principals.login("user@sandbox.example"),
        "client_id": oauth.CLIENT_ID,
        "client_secret": oauth.CLIENT_SECRET,
    }
    answer = http("POST", oauth.LOOPBACK_PATH, FORM, urlencode(form | change))
    assert (answer.status, answer.json.get("error")) == (status, error)


@pytest.mark.parametrize(
    ("secret", "refresh_token", "error"),
    [
        (oauth.CLIENT_SECRET, "", None),
        ("other", "", "invalid_client"),
        (oauth.CLIENT_SECRET, "1//other", "invalid_grant"),
    ],
)
def test_a_workforce_login_is_refreshed_for_its_own_client_only(
    secret, refresh_token, error, cloud, http
):
    token = refresh_token or cloud.google.principals.login("somebody")
    client = b64encode(f"{oauth.CLIENT_ID}:{secret}".encode()).decode()
    form = {"grant_type": "refresh_token", "refresh_token": token}
    headers = FORM | {"Authorization": f"Basic {client}"}
    answer = http("POST", "/v1/oauthtoken", headers, urlencode(form))
    assert answer.json.get("error") == error


def exchange(cloud, http, **change):
    form = {
        "grant_type": sts.GRANT,
        "audience": sts.PROVIDERS["oidc"],
        "scope": STORAGE,
        "requested_token_type": sts.ACCESS_TOKEN,
        "subject_token": cloud.google.subject_token("tester", time.time()),
        "subject_token_type": sts.JWT,
    }
    answer = http("POST", "/v1/token", FORM, urlencode(form | change))
    return answer.status, answer.json.get("error")


def issued(issuer, **change):
    good = {
        "subject": "tester",
        "audience": f"https:{sts.PROVIDERS['oidc']}",
        "issued_at": time.time(),
        "lifetime_s": 60,
    }
    return issuer.issue(**(good | change))


def test_a_good_subject_token_is_exchanged(cloud, http):
    assert exchange(cloud, http) == (200, None)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"audience": f"https:{sts.PROVIDERS['aws']}"}, "invalid_grant"),
        ({"lifetime_s": -1}, "invalid_grant"),
    ],
)
def test_a_subject_token_that_does_not_fit_is_refused(change, error, cloud, http):
    token = issued(cloud.google.issuer, **change)
    assert exchange(cloud, http, subject_token=token) == (400, error)


def test_a_subject_token_signed_by_another_key_is_refused(cloud, http):
    token = issued(Issuer(cloud.google.issuer.url))
    assert exchange(cloud, http, subject_token=token) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"audience": "//iam.googleapis.com/other"}, "invalid_request"),
        ({"audience": sts.PROVIDERS["aws"]}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"scope": ""}, "invalid_scope"),
        ({"requested_token_type": "x"}, "invalid_request"),
        ({"subject_token_type": sts.AWS4}, "invalid_request"),
    ],
)
def test_an_exchange_that_does_not_fit_is_refused(change, error, cloud, http):
    assert exchange(cloud, http, **change) == (400, error)


def test_an_aws_request_signed_for_another_provider_or_by_nobody_is_refused(
    cloud, http
):
    for headers, error in (
        ([{"key": "x-goog-cloud-target-resource", "value": "x"}], "invalid_grant"),
        (
            [{"key": "x-goog-cloud-target-resource", "value": sts.PROVIDERS["aws"]}],
            "invalid_scope",
        ),
    ):
        url = "https://sts.eu-west-1.amazonaws.com?Action=GetCallerIdentity"
        document = {"url": url, "method": "POST", "headers": headers}
        status, said = exchange(
            cloud,
            http,
            audience=sts.PROVIDERS["aws"],
            subject_token_type=sts.AWS4,
            subject_token=quote(json.dumps(document)),
        )
        assert (status, said) == (400, error)


def impersonate(http, token, account=None, **change):
    body = {"scope": [STORAGE], "lifetime": "3600s", "delegates": []} | change
    account = account or email("target")
    path = f"/v1/projects/-/serviceAccounts/{account}:generateAccessToken"
    assert iam.PATH.fullmatch(path)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    answer = http("POST", path, headers, json.dumps(body))
    return answer.status, answer.json.get("error", {}).get("status")


@pytest.fixture
def caller(cloud):
    cloud.google.principals.allow(email("caller"), email("target"))

    def token(*scopes, ends=60.0, name="caller"):
        return cloud.google.principals.token(
            email(name), frozenset(scopes), time.time() + ends
        )

    return token


def test_who_is_granted_it_may_impersonate(http, caller):
    assert impersonate(http, caller("iam")) == (200, None)
    assert impersonate(http, caller("cloud-platform")) == (200, None)


def test_impersonation_is_refused_without_token_time_scope_or_grant(http, caller):
    unauthenticated = (401, "UNAUTHENTICATED")
    denied = (403, "PERMISSION_DENIED")
    assert impersonate(http, "") == unauthenticated
    assert impersonate(http, "ya29.forged") == unauthenticated
    assert impersonate(http, caller("iam", ends=-1)) == unauthenticated
    assert impersonate(http, caller("devstorage.read_write")) == denied
    assert impersonate(http, caller("iam", name="other")) == denied
    assert impersonate(http, caller("iam"), email("elsewhere")) == denied


@pytest.mark.parametrize(
    "change", [{"scope": []}, {"scope": ["x"]}, {"lifetime": "7200s"}, {"lifetime": 5}]
)
def test_impersonation_is_refused_for_a_bad_scope_or_lifetime(change, http, caller):
    assert impersonate(http, caller("iam"), **change) == (400, "INVALID_ARGUMENT")


def test_a_subject_token_is_given_to_who_knows_the_secret(cloud, http):
    secret = {subject.HEADER: cloud.google.subject_secret}
    assert http("GET", subject.PATH, secret).status == 200
    assert http("GET", subject.PATH).status == 403
    assert http("GET", subject.PATH, {subject.HEADER: "x"}).status == 403


@pytest.mark.parametrize(
    ("username", "scope", "host"),
    [
        ("oauth2accesstoken", "devstorage.read_only", "gcr.io"),
        ("_dcgcr_2_1_0_token", "cloud-platform", "eu-docker.pkg.dev"),
        ("oauth2accesstoken", "cloud-platform", "docker.us.rep.pkg.dev"),
    ],
)
def test_the_registry_admits_a_token_that_reaches_it(
    username, scope, host, cloud, caller
):
    assert cloud.google.admits(username, caller(scope), host, time.time())


@pytest.mark.parametrize(
    ("username", "scope", "host"),
    [
        ("root", "cloud-platform", "gcr.io"),
        ("oauth2accesstoken", "logging.write", "gcr.io"),
        ("oauth2accesstoken", "cloud-platform", "gcr.io.evil.com"),
        ("_json_key", "cloud-platform", "gcr.io"),
    ],
)
def test_the_registry_refuses_another_user_scope_or_host(
    username, scope, host, cloud, caller
):
    assert not cloud.google.admits(username, caller(scope), host, time.time())


def test_the_registry_refuses_a_token_that_is_over(cloud, caller):
    token = caller("cloud-platform", ends=-1)
    assert not cloud.google.admits("oauth2accesstoken", token, "gcr.io", time.time())
