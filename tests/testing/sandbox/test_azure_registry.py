"""The token service of an Azure registry, and a real registry that trusts it."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import time
from http.client import HTTPConnection
from urllib.parse import urlencode

import pytest
from support import real
from support.program import BUSY_S

from dockcred.testing.sandbox.azure import ISSUER
from dockcred.testing.sandbox.azure.registry import USERNAME
from dockcred.transport.json_reader import claims_of

HOST = "contoso.azurecr.io"
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Host": HOST}
SCOPE = "repository:team/image:pull,push"


@pytest.fixture
def password(acr, cloud):
    """The password that the helper returns for the registry."""
    return acr.get(cloud.environment("azure-imds"), HOST).password


def test_a_registry_challenges_with_its_token_service(http):
    answer = http("GET", "/v2/", {"Host": HOST})
    assert answer.status == 401
    assert answer.headers["Www-Authenticate"] == (
        f'Bearer realm="https://{HOST}/oauth2/token",service="{HOST}"'
    )


def _ways(password):
    """Return requests in which clients send a refresh token: as such, as a password."""
    basic = base64.b64encode(f"{USERNAME}:{password}".encode()).decode()
    asked = {"service": HOST, "scope": SCOPE}
    as_token = {"grant_type": "refresh_token", "refresh_token": password}
    as_user = {"grant_type": "password", "username": USERNAME, "password": password}
    query = f"/oauth2/token?{urlencode(asked)}"
    return (
        ("POST", "/oauth2/token", FORM, urlencode(asked | as_token)),
        ("POST", "/oauth2/token", FORM, urlencode(asked | as_user)),
        ("GET", query, {"Host": HOST, "Authorization": f"Basic {basic}"}, ""),
    )


def test_the_password_becomes_an_access_token_in_every_client_s_way(http, password):
    for way in _ways(password):
        answer = http(*way)
        assert answer.status == 200, way[:2]
        claims = claims_of(answer.json["access_token"].encode())
        assert (claims["iss"], claims["aud"]) == (ISSUER, HOST)
        assert claims["access"] == [
            {"type": "repository", "name": "team/image", "actions": ["pull", "push"]}
        ]
        bearer = {
            "Host": HOST,
            "Authorization": f"Bearer {answer.json['access_token']}",
        }
        assert http("GET", "/v2/", bearer).status == 200


def test_several_scopes_are_all_granted(http, password):
    scopes = [("scope", "repository:a:pull repository:b:pull"), ("scope", SCOPE)]
    form = [("grant_type", "refresh_token"), ("refresh_token", password)]
    body = urlencode([*form, ("service", HOST), *scopes])
    token = http("POST", "/oauth2/token", FORM, body).json["access_token"]
    names = [entry["name"] for entry in claims_of(token.encode())["access"]]
    assert names == ["a", "b", "team/image"]


def test_what_is_not_the_password_gets_no_access_token(http, password, cloud):
    access = http(*_ways(password)[0]).json["access_token"]
    for wrong in ("", "a.b.c", access, password[:-4]):
        for way in _ways(wrong):
            assert http(*way).status == 401, (wrong[:20], way[:2])
    other = {"Host": "fabrikam.azurecr.io"}
    method, path, headers, body = _ways(password)[0]
    assert http(method, path, headers | other, body).status == 401
    assert (
        http("GET", "/v2/", {"Host": HOST, "Authorization": "Bearer x"}).status == 401
    )


def test_the_sandbox_admits_the_password_to_its_own_registry_only(http, password):
    for host, status in ((HOST, 200), ("fabrikam.azurecr.io", 401)):
        basic = base64.b64encode(f"{USERNAME}:{password}".encode()).decode()
        headers = {"Authorization": f"Basic {basic}", "X-Registry-Host": host}
        assert http("GET", "/registry-auth", headers).status == status


CONFIG = """\
version: 0.1
log: {{level: error}}
storage: {{inmemory: {{}}}}
http: {{addr: "127.0.0.1:{port}"}}
auth:
  token:
    realm: https://{host}/oauth2/token
    service: {host}
    issuer: {issuer}
    rootcertbundle: {bundle}
"""


@pytest.fixture
def registry(cloud, tmp_path):
    """Docker's own registry, configured to trust the sandbox's access tokens."""
    program = real.program("docker-registry")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    bundle = tmp_path / "root.pem"
    bundle.write_bytes(cloud.azure.registry_certificate)
    config = tmp_path / "config.yml"
    config.write_text(CONFIG.format(port=port, host=HOST, issuer=ISSUER, bundle=bundle))
    process = subprocess.Popen(
        [program, "serve", str(config)],
        env={"PATH": "/usr/bin:/bin", "OTEL_TRACES_EXPORTER": "none"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def ask(method, path, token=""):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        connection = HTTPConnection("127.0.0.1", port, timeout=BUSY_S)
        try:
            connection.request(method, path, headers=headers)
            return connection.getresponse().status
        finally:
            connection.close()

    try:
        give_up = time.monotonic() + BUSY_S
        while time.monotonic() < give_up:
            try:
                ask("GET", "/v2/")
                break
            except OSError:
                time.sleep(0.05)
        yield ask
    finally:
        process.terminate()
        process.wait(BUSY_S)


def test_a_real_registry_lets_in_exactly_what_was_granted(registry, http, password):
    def token(scope):
        form = {"grant_type": "refresh_token", "refresh_token": password}
        body = urlencode(form | {"service": HOST, "scope": scope})
        return http("POST", "/oauth2/token", FORM, body).json["access_token"]

    upload = "/v2/team/image/blobs/uploads/"
    assert registry("GET", "/v2/") == 401
    assert registry("GET", "/v2/", "a.b.c") == 401
    assert registry("GET", "/v2/", token(SCOPE)) == 200
    assert registry("POST", upload, token(SCOPE)) == 202
    assert registry("POST", upload, token("repository:team/image:pull")) == 401
    assert registry("POST", "/v2/other/blobs/uploads/", token(SCOPE)) == 401
    # The registry does not accept the refresh token itself.
    assert registry("POST", upload, password) == 401


def test_an_access_token_names_the_certificate_that_verifies_it(http, password):
    token = http(*_ways(password)[0]).json["access_token"]
    coded = token.partition(".")[0]
    header = json.loads(base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4)))
    assert header["alg"] == "ES256"
    assert len(header["x5c"]) == 1
