"""The server handles crowds and invalid input; only owners can read the homes."""

from __future__ import annotations

import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.program import BUSY_S

from dockcred.testing.sandbox import Sandbox


def test_fifty_clients_at_once_are_served_and_counted(http, signed, cloud):
    headers = signed(cloud.environment("env-keys"))
    with ThreadPoolExecutor(50) as pool:
        answers = list(
            pool.map(lambda _: http("POST", headers=headers, body="{}"), range(200))
        )
    assert {answer.status for answer in answers} == {200}
    assert cloud.calls == {"ecr:GetAuthorizationToken": 200}
    assert len({answer.body for answer in answers}) == 200


def test_a_connection_serves_many_requests(cloud):
    connection = HTTPConnection(urlsplit(cloud.url).netloc, timeout=BUSY_S)
    for _ in range(3):
        connection.request("GET", "/counts")
        connection.getresponse().read()
        used = connection.sock
        assert used is not None
    connection.close()


def test_no_thread_and_no_directory_outlives_the_sandbox():
    before = set(threading.enumerate())
    with Sandbox(tls=True) as cloud:
        cloud.environment("sso")
        idle = HTTPConnection(urlsplit(cloud.url).netloc, timeout=BUSY_S)
        idle.connect()
        home = cloud.home
        assert home.is_dir()
    assert set(threading.enumerate()) == before
    assert not home.exists()
    idle.close()
    gc.collect()


def test_files_of_a_home_are_its_owners_alone(cloud):
    for name in cloud.identities:
        cloud.environment(name)
    for path in cloud.home.rglob("*"):
        mode = path.stat().st_mode & 0o777
        assert mode & 0o077 == 0, path


def test_two_identities_share_neither_home_nor_keys(cloud):
    one, other = (cloud.environment(n) for n in ("env-keys", "env-session"))
    for variable in ("HOME", "AWS_ACCESS_KEY_ID", "DOCKCRED_CACHE_DIR"):
        assert one[variable] != other[variable]


def test_an_environment_inherits_only_what_any_program_needs(cloud, monkeypatch):
    monkeypatch.setenv("STRANGE", "1")
    monkeypatch.setenv("SSL_CERT_FILE", "/strange")
    environment = cloud.environment()
    assert {"STRANGE", "SSL_CERT_FILE"}.isdisjoint(environment)
    assert "PATH" in environment


def test_an_identity_that_does_not_exist_is_refused_with_the_list(cloud):
    with pytest.raises(KeyError, match="web-identity"):
        cloud.environment("nonsense")


PATHS = [
    "/",
    "/token",
    "/counts",
    "/registry-auth",
    "/federation/credentials",
    "/latest/api/token",
    "/latest/meta-data/iam/security-credentials/",
    "/v1/credentials",
    "//x",
]
HEADERS = [
    "Host",
    "X-Amz-Target",
    "Content-Type",
    "Authorization",
    "X-Amz-Date",
    "X-Aws-Ec2-Metadata-Token",
    "X-Aws-Ec2-Metadata-Token-Ttl-Seconds",
    "X-Amz-Sso_bearer_token",
    "X-Registry-Host",
]
VALUES = st.sampled_from(
    [
        "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken",
        "application/x-amz-json-1.1",
        "application/x-www-form-urlencoded",
        "99999999T999999Z",
        "Basic x",
        "[",
        "Bearer " + "9" * 40,
        "AWS4-HMAC-SHA256 Credential=AKIA/99999999/eu-west-1/ecr/aws4_request, "
        "SignedHeaders=host, Signature=" + "0" * 64,
    ]
) | st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=20)
BODIES = st.binary(max_size=50) | st.sampled_from(
    [b"{}", b"[]", b'{"refreshToken":[]}', b"Version=2011-06-15&Action=AssumeRole"]
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    method=st.sampled_from(["GET", "PUT", "POST", "DELETE"]),
    path=st.sampled_from(PATHS),
    headers=st.dictionaries(st.sampled_from(HEADERS), VALUES),
    body=BODIES,
)
def test_nonsense_is_refused_and_never_breaks_the_server(
    http, method, path, headers, body
):
    answer = http(method, path, headers, body)
    assert answer.status < 500
