"""The chain goes on after an unusable answer, and stops at an identity that was chosen.

The tests compare it with azure-identity's own chain, against the same sandbox.
"""

from __future__ import annotations

import os
from unittest import mock

import pytest
from support.program import NOT_FOUND

from dockcred.providers.acr.sources import AccessToken
from dockcred.testing.sandbox import Response, Sandbox
from dockcred.testing.sandbox.azure.directory import OTHER_TENANT, TENANT, Principal

pytestmark = pytest.mark.slow  # as a whole too long for `make test`

HTML, TEXT = {"Content-Type": "text/html"}, {"Content-Type": "text/plain"}
JSON = {"Content-Type": "application/json"}
OF_NO_USE = {
    "404-html": Response(404, b"<html>not here</html>", HTML),
    "403-html": Response(403, b"<html>not for you</html>", HTML),
    "200-html": Response(200, b"<html>Please log in</html>", HTML),
    "404-json": Response(404, b'{"message": "no such page"}', JSON),
    "401-of-another-cloud": Response(401, b"<?xml version='1.0'?><h1>no</h1>", HTML),
    "403-of-docker-desktop": Response(403, b"connecting: host is unreachable", TEXT),
    "400-no-identity": Response(400, b'{"error": "invalid_request", "error_description": "Identity not found"}', JSON),
    "503-html": Response(503, b"<html>no upstream</html>", HTML),
    "503-for-ever": Response(503, b'{"error": "unknown"}', JSON),
}  # fmt: skip
ROADS = pytest.mark.parametrize("road", ["", "sdk"])
CI_VARIABLES = {"AZURE_CLIENT_ID": "0" * 8, "AZURE_TENANT_ID": TENANT}
"""As a CI's login step leaves them: they name an application but hold no secret."""


@pytest.fixture
def metadata(cloud, monkeypatch):
    """Make instance metadata answer as a test says; None: there is no metadata."""

    def answer(response):
        if response is None:
            return {}
        (service,) = (s for s in cloud.azure.services if s.name == "azure-imds")
        monkeypatch.setattr(service, "answer", lambda *_: response)
        return {"AZURE_POD_IDENTITY_AUTHORITY_HOST": cloud.url}

    return answer


@pytest.fixture
def sdk(monkeypatch):
    """Return the client id of the token that azure-identity gets; "" for no token."""
    theirs = pytest.importorskip("azure.identity")
    from azure.core.exceptions import AzureError

    monkeypatch.setattr("time.sleep", lambda _: None)

    def ask(environment, credential=theirs.DefaultAzureCredential, **options):
        scope = "https://containerregistry.azure.net/.default"
        with mock.patch.dict(os.environ, environment, clear=True):
            try:
                answer = credential(**options).get_token(scope)
            except (AzureError, ValueError):
                return ""
        return AccessToken(answer.token).principal

    return ask


def _is(name, tenant=TENANT):
    principal = Principal(name, tenant=tenant)
    return f"{tenant}/{principal.client_id}/{principal.object_id}"


@pytest.mark.parametrize("kind", ["nobody", *OF_NO_USE])
def test_az_is_asked_after_metadata_that_is_of_no_use(
    kind, get, minted, cloud, sdk, metadata
):
    environment = cloud.environment("azure-cli") | CI_VARIABLES
    environment |= metadata(OF_NO_USE.get(kind))
    assert sdk(environment) == _is("azure-cli")
    assert minted(get(environment)).principal == "azure-cli"


@pytest.mark.parametrize("kind", ["nobody", "404-html", "404-json", "400-no-identity"])
def test_az_is_asked_on_the_sdk_road_too(kind, get, minted, cloud, metadata):
    environment = cloud.environment("azure-cli") | CI_VARIABLES
    environment |= metadata(OF_NO_USE.get(kind)) | {"DOCKCRED_ROAD": "sdk"}
    assert minted(get(environment)).principal == "azure-cli"


@pytest.fixture
def app(cloud):
    """An App Service with another identity than the chosen one, and a login of az."""
    environment = cloud.environment("azure-app-service") | CI_VARIABLES
    environment["PATH"] = cloud.environment("azure-cli")["PATH"]
    return environment | {"AZURE_CONFIG_DIR": str(cloud.home / "azure-cli/.azure")}


def test_az_is_asked_after_app_service_lacks_the_identity(get, minted, app, sdk):
    assert sdk(app) == _is("azure-cli")
    assert minted(get(app)).principal == "azure-cli"


def test_az_is_asked_after_app_service_refused(get, minted, cloud, app, sdk):
    cloud.fail("app-service:access-denied")
    assert sdk(app) == _is("azure-cli")
    assert minted(get(app)).principal == "azure-cli"


def test_an_app_service_that_is_none_ends_the_chain(get, cloud, app, sdk):
    """As in azure-identity: whoever set the endpoint's variable wanted it used."""
    cloud.fail("app-service:garbage-body")
    assert sdk(app) == ""
    assert "did not answer as Azure does" in get(app).said
    assert cloud.calls["entra:token:refresh_token"] == 0


@pytest.mark.parametrize("of_us", [False, True])
def test_the_machine_s_identity_that_was_chosen_is_the_only_one(
    of_us, get, cloud, sdk, metadata
):
    environment = cloud.environment("azure-cli")
    environment |= metadata(OF_NO_USE["400-no-identity"])
    if of_us:
        environment["DOCKCRED_ACR_RESOURCE_ID"] = "/subscriptions/x"
    else:
        environment["AZURE_TOKEN_CREDENTIALS"] = "ManagedIdentityCredential"
        assert sdk(environment) == ""
    assert "does not have the managed identity" in get(environment).said
    assert cloud.calls["entra:token:refresh_token"] == 0


def test_a_pod_whose_own_identity_is_not_named_does_not_become_its_node(
    get, cloud, sdk
):
    """The webhook leaves this without an annotation; azure-identity stops as well."""
    pod = cloud.environment("azure-workload-identity")
    environment = cloud.environment("azure-imds") | {
        "AZURE_FEDERATED_TOKEN_FILE": pod["AZURE_FEDERATED_TOKEN_FILE"],
        "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.com/",
        "AZURE_TENANT_ID": TENANT,
    }
    assert sdk(environment) == ""
    assert "azure.workload.identity/client-id" in get(environment).said
    assert cloud.calls["azure-imds:token"] == 0
    del environment["AZURE_AUTHORITY_HOST"]
    assert sdk(environment) == _is("azure-imds")
    assert get(environment).status == 0


def test_a_credential_that_was_chosen_and_is_not_set_up_is_an_error(get, cloud, sdk):
    environment = cloud.environment("azure-nothing")
    environment["AZURE_TOKEN_CREDENTIALS"] = "EnvironmentCredential"
    assert sdk(environment) == ""
    assert "no Azure identity gave a token" in get(environment).said


def test_the_error_names_what_each_step_said(get, cloud):
    environment = cloud.environment("azure-cli") | CI_VARIABLES
    cloud.azure.workplace(cloud.home / "azure-cli", cloud.url).log_out("az")
    line = get(environment).said
    assert "no instance metadata (" in line
    assert "az is not logged in" in line
    assert line.partition("); ")[2]


@ROADS
def test_a_failure_that_passes_is_never_told_as_no_identity(road, get, cloud, metadata):
    environment = cloud.environment("azure-nothing")
    environment |= metadata(OF_NO_USE["503-for-ever"]) | {"DOCKCRED_ROAD": road}
    line = get(environment).said
    assert "gave no token" in line
    assert "try again" in line


@ROADS
@pytest.mark.parametrize("kind", ["nobody", "404-html", "200-html", "404-json"])
def test_who_is_nobody_of_azure_s_lets_the_client_go_on_anonymously(
    kind, road, get, cloud, metadata
):
    environment = cloud.environment("azure-nothing") | {"DOCKCRED_ROAD": road}
    answer = get(environment | metadata(OF_NO_USE.get(kind)))
    assert (answer.status, answer.stdout) == (1, NOT_FOUND)


@ROADS
@pytest.mark.parametrize("how", ["half", "garbage"])
def test_metadata_that_is_cut_short_is_somebody(how, road, get, cloud):
    cloud.fail(f"azure-imds:{how}")
    answer = get(cloud.environment("azure-imds") | {"DOCKCRED_ROAD": road})
    assert answer.stdout != NOT_FOUND
    assert "; " in answer.said


def test_slow_metadata_is_somebody(acr, sdk):
    """The first answer takes longer than the timeout for a connection."""
    with Sandbox(tls=True, metadata_latency_ms=1500) as cloud:
        environment = cloud.environment("azure-imds")
        assert sdk(environment) == _is("azure-imds")
        assert acr.get(environment, "contoso.azurecr.io").status == 0


PROGRAMS = {
    "azure-cli": "AzureCliCredential",
    "azure-developer-cli": "AzureDeveloperCliCredential",
    "azure-powershell": "AzurePowerShellCredential",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_registry_of_another_tenant_has_the_login_asked_for_that_tenant(
    name, get, minted, cloud, sdk, tmp_path
):
    theirs = pytest.importorskip("azure.identity")
    environment = cloud.environment(name)
    work = cloud.azure.workplace(cloud.home / name, cloud.url)
    program = {"azure-cli": "az", "azure-powershell": "pwsh"}.get(name, "azd")
    work.log_in(program, Principal(name, tenant=OTHER_TENANT))
    assert OTHER_TENANT in get(environment).said
    of_the_sdk = getattr(theirs, PROGRAMS[name])
    assert sdk(environment, of_the_sdk, tenant_id=TENANT) == _is(name)
    config = tmp_path / "config.toml"
    config.write_text(f'[[registry]]\nmatch = "*.azurecr.io"\ntenant_id = "{TENANT}"\n')
    config.chmod(0o600)
    assert minted(get(environment | {"DOCKCRED_CONFIG": str(config)})).principal == name
    # AZURE_TENANT_ID is an application's: it does not apply to a person's login.
    assert OTHER_TENANT in get(environment | {"AZURE_TENANT_ID": TENANT}).said


def test_what_is_no_tenant_goes_to_no_program(get, cloud):
    environment = cloud.environment("azure-cli") | {"DOCKCRED_ACR_TENANT_ID": "x y"}
    assert "DOCKCRED_ACR_TENANT_ID is not a tenant" in get(environment).said
    assert cloud.calls["entra:token:refresh_token"] == 0


def test_an_identity_cannot_be_chosen_where_the_platform_has_one(get, cloud, sdk):
    environment = cloud.environment("azure-service-fabric") | {"AZURE_CLIENT_ID": "1"}
    assert sdk(environment) == ""
    assert "Service Fabric has one identity" in get(environment).said
    assert cloud.calls["service-fabric:token"] == 0


def test_az_is_asked_after_app_service_said_no_with_a_200(
    get, minted, cloud, app, sdk, monkeypatch
):
    """Found by the generated test, among 5,000 machines."""
    page = Response(200, b'{"statusCode": 400, "message": "no"}', JSON)
    monkeypatch.setattr(cloud.azure.app_service, "answer", lambda *_: page)
    assert sdk(app) == _is("azure-cli")
    assert minted(get(app)).principal == "azure-cli"
