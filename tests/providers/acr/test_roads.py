"""Every identity on the direct road and the SDK's: same answer, Azure's requests."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess

import pytest
from support.program import LONG_S, NOT_FOUND, Program

from dockcred.testing.sandbox.azure.directory import TENANT
from dockcred.transport.json_reader import claims_of

HOST = "contoso.azurecr.io"
AUDIENCE = "https://containerregistry.azure.net"

# The requests of each identity's direct road before the exchange.
DIRECT = {
    "azure-client-secret": {"entra:token:client_credentials": 1},
    "azure-workload-identity": {"entra:token:client_credentials": 1},
    "azure-imds": {"azure-imds:probe": 1, "azure-imds:token": 1},
    "azure-imds-user": {"azure-imds:probe": 1, "azure-imds:token": 1},
    "azure-app-service": {"app-service:token": 1},
}
SDK = {
    "azure-client-certificate": "entra:token:client_credentials",
    "azure-user-password": "entra:token:password",
    "azure-machine-learning": "machine-learning:token",
    "azure-cloud-shell": "cloud-shell:token",
    "azure-service-fabric": "service-fabric:token",
    "azure-cli": "entra:token:refresh_token",
    "azure-powershell": "entra:token:refresh_token",
    "azure-developer-cli": "entra:token:refresh_token",
}


def test_every_identity_of_the_sandbox_is_tried(cloud):
    assert {*DIRECT, *SDK, "azure-arc", "azure-nothing"} == {*cloud.azure.identities}


def _asked(cloud, service):
    """Return the last request that a service of the sandbox was sent."""
    known = {s.name: s for s in cloud.azure.services}[service]
    return [
        request
        for request in cloud.requests
        if known.has_host(request.host) or known.recognises(request)
    ][-1]


@pytest.mark.parametrize("name", DIRECT)
@pytest.mark.parametrize("road", ["", "sdk"])
def test_both_roads_get_the_same_answer(name, road, get, minted, cloud):
    environment = cloud.environment(name) | {"DOCKCRED_ROAD": road}
    found = minted(get(environment))
    assert (found.service, found.host, found.account) == ("acr", HOST, TENANT)
    assert found.principal == name
    assert cloud.calls["acr:exchange"] == 1
    ours = {call: n for call, n in cloud.calls.items() if not call.startswith("proxy")}
    if not road:
        del ours["acr:exchange"]
        ours.pop("azure-imds:refused", None)  # the probe
        assert ours == DIRECT[name]


@pytest.mark.parametrize("name", SDK)
def test_other_identities_are_azure_identity_s_to_ask(name, get, minted, cloud):
    assert minted(get(cloud.environment(name))).principal == name
    assert cloud.calls[SDK[name]] == 1
    assert cloud.calls["acr:exchange"] == 1


def test_service_fabric_s_endpoint_is_known_by_its_thumbprint(get, cloud):
    environment = cloud.environment("azure-service-fabric")
    environment["IDENTITY_SERVER_THUMBPRINT"] = "0" * 40
    assert "; " in get(environment).said
    assert cloud.calls["service-fabric:token"] == 0


def test_a_server_of_arc_s_is_asked_by_azure_identity(acr, minted, cloud):
    """The SDK reads Arc's key at a fixed path: the test mounts it for one process."""
    environment = cloud.environment("azure-arc")
    mount = (
        "mount -t tmpfs none /var/opt && mkdir -p /var/opt/azcmagent/tokens && "
        'mount --bind "$1" /var/opt/azcmagent/tokens && shift && exec "$@"'
    )
    keys = str(cloud.azure.arc.directory)
    alone = ["/usr/bin/unshare", "-m", "/bin/sh", "-c", mount, "sh", keys]
    if subprocess.run(
        [*alone, "/bin/true"], capture_output=True, check=False
    ).returncode:
        pytest.skip("mount namespaces need root")
    program = Program(alone[0])
    answer = program(
        *alone[1:], acr.path, "get", environment=environment, stdin=HOST.encode()
    )
    assert minted(answer).principal == "azure-arc"
    assert (cloud.calls["arc:challenge"], cloud.calls["arc:token"]) == (1, 1)


def test_nobody_is_anonymous_in_time_and_without_a_word(get, cloud):
    """A registry with anonymous pull still serves; nothing but metadata was tried."""
    answer = get(cloud.environment("azure-nothing"))
    assert (answer.status, answer.stdout, answer.stderr) == (1, NOT_FOUND, b"")
    assert cloud.calls.total() == 0


@pytest.fixture
def silent():
    """A port that does not respond, because its backlog of connections is full."""
    with contextlib.ExitStack() as held:
        listener = held.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            client = held.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        with pytest.raises(TimeoutError):
            socket.create_connection(listener.getsockname(), 0.2)
        yield listener.getsockname()[1]


def test_a_silent_metadata_address_is_left_after_a_second(get, cloud, silent):
    """Outside of Azure, packets to 169.254.169.254 may be dropped."""
    environment = cloud.environment("azure-nothing")
    environment["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = f"http://127.0.0.1:{silent}"
    answer = get(environment | {"DOCKCRED_TIMEOUT": f"{LONG_S}"})
    assert (answer.status, answer.stdout) == (1, NOT_FOUND)


def test_whoever_takes_the_connection_and_never_answers_is_somebody(get, cloud):
    """azure-identity waits 300 s for each attempt; we wait until the call's timeout."""
    cloud.fail("azure-imds:hang")
    environment = cloud.environment("azure-imds") | {"DOCKCRED_TIMEOUT": "3"}
    assert "gave up after 3 s" in get(environment).said


@pytest.mark.parametrize("road", ["", "sdk"])
def test_instance_metadata_is_asked_as_azure_has_it(road, get, cloud):
    environment = cloud.environment("azure-imds-user") | {"DOCKCRED_ROAD": road}
    assert get(environment).status == 0
    request = _asked(cloud, "azure-imds")
    assert (request.method, request.header("metadata")) == ("GET", "true")
    assert request.parameters == {
        "api-version": "2018-02-01",
        "resource": AUDIENCE,
        "client_id": environment["AZURE_CLIENT_ID"],
    }


@pytest.mark.parametrize("road", ["", "sdk"])
@pytest.mark.parametrize(
    ("variable", "which", "parameter"),
    [
        ("DOCKCRED_ACR_OBJECT_ID", "object_id", {"object_id"}),
        ("DOCKCRED_ACR_RESOURCE_ID", "resource_id", {"msi_res_id", "mi_res_id"}),
    ],
)
@pytest.mark.parametrize("service", ["azure-imds", "app-service"])
def test_an_identity_is_chosen_by_object_id_and_by_resource_id(
    road, variable, which, parameter, service, get, minted, cloud
):
    cloud.environment("azure-imds-user")
    other = cloud.azure.machine.users[1]
    name = service if service.startswith("azure") else f"azure-{service}"
    environment = cloud.environment(name) | {"DOCKCRED_ROAD": road}
    environment[variable] = getattr(other, which)
    assert minted(get(environment)).principal == "azure-imds-other"
    assert parameter & set(_asked(cloud, service).parameters)


@pytest.mark.parametrize("road", ["", "sdk"])
def test_app_service_is_asked_with_its_own_header(road, get, cloud):
    environment = cloud.environment("azure-app-service") | {"DOCKCRED_ROAD": road}
    assert get(environment).status == 0
    request = _asked(cloud, "app-service")
    assert request.header("x-identity-header") == environment["IDENTITY_HEADER"]
    assert request.parameters == {"api-version": "2019-08-01", "resource": AUDIENCE}


@pytest.mark.parametrize("road", ["", "sdk"])
@pytest.mark.parametrize("name", ["azure-client-secret", "azure-workload-identity"])
def test_entra_is_asked_for_the_registry_s_own_audience(name, road, get, cloud):
    environment = cloud.environment(name) | {"DOCKCRED_ROAD": road}
    assert get(environment).status == 0
    request = _asked(cloud, "entra")
    assert request.scheme == "https"
    assert request.host == "login.microsoftonline.com"
    assert request.path == f"/{TENANT}/oauth2/v2.0/token"
    form = request.form
    assert form["grant_type"] == "client_credentials"
    assert form["client_id"] == environment["AZURE_CLIENT_ID"]
    assert f"{AUDIENCE}/.default" in form["scope"].split()
    if name == "azure-client-secret":
        assert form["client_secret"] == environment["AZURE_CLIENT_SECRET"]
    else:
        with open(environment["AZURE_FEDERATED_TOKEN_FILE"]) as file:
            assert form["client_assertion"] == file.read()


def test_the_exchange_is_with_the_registry_and_names_the_tokens_tenant(get, cloud):
    answer = get(cloud.environment("azure-imds") | {"AZURE_TENANT_ID": "elsewhere"})
    request = _asked(cloud, "acr")
    assert (request.method, request.scheme) == ("POST", "https")
    assert (request.host, request.path) == (HOST, "/oauth2/exchange")
    form = request.form
    token = claims_of(form.pop("access_token").encode())
    assert token["aud"] == AUDIENCE
    assert form == {"grant_type": "access_token", "service": HOST, "tenant": TENANT}
    # The answer repeats the server's URL; the refresh token has its own expiry.
    fields = json.loads(answer.stdout)
    assert fields["ServerURL"] == HOST
    claims = claims_of(fields["Secret"].encode())
    assert claims["aud"] == HOST
    assert claims["exp"] - claims["iat"] == 3 * 3600


@pytest.mark.parametrize(
    ("host", "authority", "audience"),
    [
        (
            "contoso.azurecr.cn",
            "login.chinacloudapi.cn",
            "https://containerregistry.azure.cn",
        ),
        (
            "contoso.azurecr.us",
            "login.microsoftonline.us",
            "https://containerregistry.azure.us",
        ),
        ("contoso.westeurope.geo.azurecr.io", "login.microsoftonline.com", AUDIENCE),
        ("contoso-a1b2c3d4e5f6g7h8.azurecr.io", "login.microsoftonline.com", AUDIENCE),
    ],
)
@pytest.mark.parametrize("road", ["", "sdk"])
def test_a_registry_s_cloud_tells_authority_and_audience(
    host, authority, audience, road, get, minted, cloud
):
    environment = cloud.environment("azure-client-secret") | {"DOCKCRED_ROAD": road}
    assert minted(get(environment, host)).host == host
    request = _asked(cloud, "entra")
    assert request.host == authority
    assert f"{audience}/.default" in request.form["scope"].split()


@pytest.mark.parametrize(
    "named", ["login.microsoftonline.us", "https://login.microsoftonline.us/"]
)
@pytest.mark.parametrize("road", ["", "sdk"])
def test_an_authority_that_is_named_wins(named, road, get, cloud):
    environment = cloud.environment("azure-workload-identity")
    environment |= {"AZURE_AUTHORITY_HOST": named, "DOCKCRED_ROAD": road}
    assert get(environment).status == 0
    assert _asked(cloud, "entra").host == "login.microsoftonline.us"


@pytest.mark.parametrize("road", ["", "sdk"])
def test_an_authority_without_tls_gets_no_secret(road, get, cloud):
    environment = cloud.environment("azure-client-secret")
    environment["AZURE_AUTHORITY_HOST"] = "http://login.evil.example"
    said = get(environment | {"DOCKCRED_ROAD": road}).said
    assert "https" in said
    assert cloud.calls.total() == 0
