"""The sandbox's Azure services refuse what the real ones refuse."""

from __future__ import annotations

import json
import ssl
import time
from http.client import HTTPConnection
from urllib.parse import urlencode, urlsplit

import jwt
import pytest
from support.program import BUSY_S

from dockcred.testing.sandbox.azure import service_fabric as fabric
from dockcred.testing.sandbox.azure.certificates import self_signed
from dockcred.testing.sandbox.azure.directory import OTHER_TENANT, TENANT, Principal
from dockcred.testing.sandbox.azure.proofs import TYPE
from dockcred.testing.sandbox.azure.signer import Signer

HOST = "contoso.azurecr.io"
AUDIENCE = "https://containerregistry.azure.net"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
SUBJECT = "system:serviceaccount:default:azure-workload-identity"


@pytest.fixture
def at(cloud):
    """Return a function: it sends a request to a real host name, by proxy and TLS."""

    def send(host, method, path, headers=None, body=b""):
        trust = ssl.create_default_context(cafile=str(cloud.ca_file))
        proxy = urlsplit(cloud.proxy_url)
        connection = HTTPConnection(proxy.hostname, proxy.port, timeout=BUSY_S)
        connection.set_tunnel(host, 443)
        connection.connect()
        connection.sock = trust.wrap_socket(connection.sock, server_hostname=host)
        connection.request(method, path, body, (headers or {}) | {"Host": host})
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        return answer.status, json.loads(data), dict(answer.headers)

    return send


@pytest.fixture
def entra(at):
    def ask(tenant=TENANT, **form):
        form = {
            "grant_type": "client_credentials",
            "scope": f"{AUDIENCE}/.default",
        } | form
        path = f"/{tenant}/oauth2/v2.0/token"
        status, answer, _ = at(
            "login.microsoftonline.com", "POST", path, FORM, urlencode(form)
        )
        return status, answer

    return ask


def _code(answer):
    status, document = answer
    assert status >= 400
    (code,) = document["error_codes"]
    assert document["error_description"].startswith(f"AADSTS{code}: ")
    return code


@pytest.fixture
def secret(cloud, entra):
    """Return a function: it asks for a token by a client secret, with changes."""
    environment = cloud.environment("azure-client-secret")
    own = {
        "client_id": environment["AZURE_CLIENT_ID"],
        "client_secret": environment["AZURE_CLIENT_SECRET"],
    }

    def ask(**change):
        return entra(**own | change)

    return ask


def test_entra_takes_a_secret(secret):
    status, answer = secret()
    assert status == 200
    assert answer["token_type"] == "Bearer"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"client_secret": "wrong"}, 7000215),
        ({"client_secret": ""}, 7000218),
        ({"client_id": "nobody"}, 700016),
        ({"tenant": "nowhere"}, 90002),
        ({"tenant": OTHER_TENANT}, 700016),
        ({"scope": "https://unknown.example/.default"}, 500011),
        ({"scope": f"{AUDIENCE}/read"}, 1002012),
        ({"grant_type": "device_code"}, 70003),
        ({"grant_type": "password", "username": "x", "password": "y"}, 50126),
    ],
)
def test_entra_refuses_a_secret_that_does_not_fit(change, code, secret):
    assert _code(secret(**change)) == code


@pytest.fixture
def federated(cloud, entra):
    """Return a function: it asks by a federated token, which may be changed."""
    environment = cloud.environment("azure-workload-identity")

    def ask(signer=cloud.azure.cluster, kind=TYPE, **change):
        claims = {
            "audience": "api://AzureADTokenExchange",
            "now": time.time(),
            "lifetime_s": 600,
            "sub": SUBJECT,
        } | change
        return entra(
            client_id=environment["AZURE_CLIENT_ID"],
            client_assertion=signer.sign(**claims),
            client_assertion_type=kind,
        )

    return ask


def test_entra_takes_a_federated_token(federated):
    assert federated()[0] == 200


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"audience": "api://AzureADTokenExchangeChina"}, 700212),
        ({"sub": "system:serviceaccount:default:other"}, 700213),
        ({"iss": "https://issuer.example/"}, 700211),
        ({"lifetime_s": -1}, 700024),
        ({"now": time.time() + 86400}, 700024),
        ({"kind": "urn:ietf:params:oauth:client-assertion-type:saml2"}, 50027),
    ],
)
def test_entra_refuses_an_assertion_that_does_not_fit(change, code, federated):
    assert _code(federated(**change)) == code


def test_entra_refuses_an_assertion_that_another_key_signed(cloud, federated):
    assert _code(federated(Signer(cloud.azure.cluster.issuer))) == 50013


def test_entra_refuses_what_is_no_assertion(cloud, entra):
    client_id = cloud.environment("azure-workload-identity")["AZURE_CLIENT_ID"]
    form = {"client_assertion": "a.b.c", "client_assertion_type": TYPE}
    assert _code(entra(client_id=client_id, **form)) == 50027


@pytest.mark.parametrize(
    ("audience", "own_key", "code"),
    [
        (None, True, None),
        (None, False, 700027),
        ("https://login.microsoftonline.com/elsewhere/oauth2/v2.0/token", True, 50027),
    ],
)
def test_entra_wants_a_certificate_s_assertion_for_itself(
    audience, own_key, code, cloud, entra
):
    certificate, key = self_signed()
    _, stranger = self_signed()
    principal = cloud.azure.directory.add(Principal("x", certificate=certificate))
    url = f"https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token"
    claims = {
        "iss": principal.client_id,
        "sub": principal.client_id,
        "aud": audience or url,
        "nbf": time.time(),
        "exp": time.time() + 60,
    }
    assertion = jwt.encode(claims, key if own_key else stranger, "PS256")
    form = {"client_assertion": assertion, "client_assertion_type": TYPE}
    answer = entra(client_id=principal.client_id, **form)
    assert answer[0] == 200 if code is None else _code(answer) == code


def test_entra_refuses_a_login_that_it_does_not_know(entra):
    answer = entra("organizations", grant_type="refresh_token", refresh_token="x")
    assert _code(answer) == 700082


# The machine's own endpoints.

IMDS = "/metadata/identity/oauth2/token?"
QUERY = {"api-version": "2018-02-01", "resource": AUDIENCE}


@pytest.fixture
def imds(cloud, http):
    cloud.environment("azure-imds-user")

    def ask(headers=None, method="GET", **change):
        query = QUERY | {"client_id": cloud.azure.machine.users[0].client_id} | change
        wanted = {name: value for name, value in query.items() if value}
        headers = {"Metadata": "true"} if headers is None else headers
        return http(method, IMDS + urlencode(wanted), headers)

    return ask


def test_instance_metadata_answers_a_request_that_is_right(imds, cloud):
    answer = imds()
    assert answer.status == 200
    assert answer.json["client_id"] == cloud.azure.machine.users[0].client_id
    assert answer.json["expires_on"].isdecimal()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"headers": {}}, "metadata header"),
        ({"headers": {"Metadata": "false"}}, "metadata header"),
        ({"headers": {"Metadata": "true", "X-Forwarded-For": "::1"}}, "forwarded"),
        ({"api-version": ""}, "version"),
        ({"api-version": "2017-01-01"}, "version"),
        ({"resource": ""}, "resource"),
        ({"resource": "https://unknown.example"}, "AADSTS500011"),
        ({"client_id": "nobody"}, "Identity not found"),
        ({"object_id": "x"}, "Only one"),
        ({"client_id": ""}, "Multiple user assigned identities exist"),
    ],
)
def test_instance_metadata_refuses_a_request_that_is_not(change, words, imds):
    answer = imds(**change)
    assert answer.status == 400
    assert words in answer.json["error_description"]


def test_instance_metadata_is_read_with_get(imds):
    assert imds(method="POST").status == 404


def test_instance_metadata_names_the_identities_to_choose_from(imds, cloud):
    text = imds(client_id="").json["error_description"]
    assert all(user.client_id in text for user in cloud.azure.machine.users)


def test_the_resource_manager_lists_nothing_to_whom_entra_knows(imds, at):
    """The real az needs this for a login with a managed identity (`make bench`)."""
    arm, path = "management.azure.com", "/subscriptions?api-version=2022-12-01"
    for resource in ("https://management.core.windows.net/", f"https://{arm}"):
        token = imds(resource=resource).json["access_token"]
        bearer = {"Authorization": f"Bearer {token}"}
        assert at(arm, "GET", path, bearer)[:2] == (200, {"value": []})
        resources = f"/subscriptions/{TENANT}/resources?api-version=2022-12-01"
        assert at(arm, "GET", resources, bearer)[:2] == (200, {"value": []})
        assert at(arm, "GET", "/providers", bearer)[0] == 404
    other = {"Authorization": f"Bearer {imds().json['access_token']}"}
    assert at(arm, "GET", path, other)[0] != 200
    assert at(arm, "GET", path)[0] == 401


def test_app_service_wants_its_header_and_its_version(http, cloud):
    environment = cloud.environment("azure-app-service")
    secret = {"X-IDENTITY-HEADER": environment["IDENTITY_HEADER"]}

    def ask(headers, version="2019-08-01", method="GET", **more):
        query = {"api-version": version, "resource": AUDIENCE} | more
        return http(method, f"/msi/token?{urlencode(query)}", headers).status

    assert ask(secret) == 200
    assert ask({}) == 401
    assert ask({"X-IDENTITY-HEADER": "guess"}) == 401
    assert ask(secret, "2017-09-01") == 400
    assert ask(secret, resource="https://unknown.example") == 400
    assert ask(secret, client_id="nobody") == 400
    assert ask(secret, method="POST") == 404


def test_machine_learning_wants_its_secret_and_its_version(http, cloud):
    environment = cloud.environment("azure-machine-learning")
    secret = {"secret": environment["MSI_SECRET"]}

    def ask(headers, version="2017-09-01"):
        query = urlencode({"api-version": version, "resource": AUDIENCE})
        return http("GET", f"/aml/token?{query}", headers).status

    assert ask(secret) == 200
    assert ask({}) == 401
    assert ask(secret, "2019-08-01") == 400


def test_arc_wants_the_key_that_only_the_server_can_read(http, cloud):
    environment = cloud.environment("azure-arc")
    assert environment["IDENTITY_ENDPOINT"] == f"{cloud.url}/arc/token"
    query = urlencode({"api-version": "2020-06-01", "resource": AUDIENCE})
    metadata = {"Metadata": "true"}

    def ask(headers, query=query):
        return http("GET", f"/arc/token?{query}", headers)

    challenge = ask(metadata)
    assert challenge.status == 401
    assert challenge.headers["WWW-Authenticate"].endswith("/sandbox.key")
    key = (cloud.azure.arc.directory / "sandbox.key").read_text()
    assert ask(metadata | {"Authorization": f"Basic {key}"}).status == 200
    assert ask(metadata | {"Authorization": "Basic guess"}).status == 401
    assert ask({"Authorization": f"Basic {key}"}).status == 400
    old = urlencode({"api-version": "2019-08-15", "resource": AUDIENCE})
    assert ask(metadata, old).status == 400


def test_service_fabric_wants_its_secret_and_its_version(at, cloud):
    secret = {"Secret": cloud.environment("azure-service-fabric")["IDENTITY_HEADER"]}

    def ask(headers, version="2019-07-01-preview"):
        query = urlencode({"api-version": version, "resource": AUDIENCE})
        return at(fabric.HOST, "GET", f"{fabric.PATH}?{query}", headers)[0]

    assert ask(secret) == 200
    assert ask({}) == 401
    assert ask(secret, "2019-08-01") == 400


def test_cloud_shell_wants_its_header_and_a_form(http, cloud):
    cloud.environment("azure-cloud-shell")
    body = urlencode({"resource": AUDIENCE})
    path = "/cloud-shell/token"
    metadata = {"Metadata": "true"}
    assert http("POST", path, FORM | metadata, body).status == 200
    assert http("POST", path, FORM, body).status == 400
    assert http("GET", path, metadata).status == 404
    assert http("POST", path, FORM | metadata, "").status == 400


# The registry's exchange.


@pytest.fixture
def exchange(cloud, at):
    """Return a function: it exchanges an Entra token; token and form may be changed."""
    principal = Principal("caller")

    def send(host=HOST, method="POST", signer=cloud.azure.entra_signer, **change):
        token = {
            "audience": change.pop("audience", AUDIENCE),
            "now": time.time() + change.pop("later", 0),
            "lifetime_s": 60,
            "tid": change.pop("tid", TENANT),
            "appid": principal.client_id,
            "oid": principal.object_id,
            "unique_name": principal.name,
        }
        form = {
            "grant_type": "access_token",
            "service": HOST,
            "tenant": TENANT,
            "access_token": signer.sign(**token),
        } | change
        return at(host, method, "/oauth2/exchange", FORM, urlencode(form))[:2]

    return send


def test_a_registry_takes_a_token_for_its_audience(exchange, cloud):
    status, answer = exchange()
    assert status == 200
    minted = cloud.minted(answer["refresh_token"])
    assert (minted.host, minted.principal) == (HOST, "caller")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"audience": "https://management.azure.com"}, 200),
        ({"audience": "https://vault.azure.net"}, 401),
        ({"audience": "https://containerregistry.azure.us"}, 401),
        ({"later": -3600}, 401),
        ({"tid": OTHER_TENANT, "tenant": OTHER_TENANT}, 401),
        ({"tenant": OTHER_TENANT}, 401),
        ({"access_token": "a.b.c"}, 401),
        ({"access_token": ""}, 401),
        ({"grant_type": "password"}, 400),
        ({"service": "fabrikam.azurecr.io"}, 400),
        ({"host": "fabrikam.azurecr.io"}, 400),
        ({"method": "PUT"}, 400),
    ],
)
def test_a_registry_refuses_a_token_that_does_not_fit(change, status, exchange):
    assert exchange(**change)[0] == status


def test_a_registry_refuses_a_token_that_another_key_signed(exchange, cloud):
    forger = Signer(cloud.azure.entra_signer.issuer)
    assert exchange(signer=forger)[0] == 401


def test_a_registry_can_refuse_resource_manager_s_audience(exchange, cloud):
    cloud.azure.registry.takes_arm_tokens = False
    assert exchange(audience="https://management.azure.com")[0] == 401
    assert exchange()[0] == 200


def test_a_registry_denies_who_has_no_role(exchange, cloud):
    cloud.azure.directory.denied.add(Principal("caller").object_id)
    assert exchange()[0] == 401


def test_what_is_no_registry_has_no_host(at):
    for host in ("four.azurecr.io", "contoso.data.azurecr.io", "contoso.azurecr.com"):
        with pytest.raises(OSError, match="403"):
            at(host, "GET", "/v2/")
