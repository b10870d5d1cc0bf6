"""Each registry gets the credential of the identity that config.toml names for it."""

from __future__ import annotations

import pytest

from dockcred.testing.sandbox.azure.directory import OTHER_TENANT, TENANT, Principal

HOST = "contoso.azurecr.io"
OTHER = "fabrikam.azurecr.io"


@pytest.fixture
def configured(tmp_path):
    """Return an environment whose DOCKCRED_CONFIG has these settings for OTHER."""

    def write(environment, **settings):
        lines = [f'{name} = "{value}"' for name, value in settings.items()]
        path = tmp_path / "config.toml"
        path.write_text("\n".join(("[[registry]]", f'match = "{OTHER}"', *lines, "")))
        path.chmod(0o600)
        return environment | {"DOCKCRED_CONFIG": str(path)}

    return write


def test_a_managed_identity_per_registry(get, minted, cloud, configured):
    environment = cloud.environment("azure-imds-user")
    chosen = cloud.azure.machine.users[1]
    for settings in (
        {"client_id": chosen.client_id},
        {"object_id": chosen.object_id},
        {"resource_id": chosen.resource_id},
    ):
        configured(environment, **settings)
        both = configured(environment, **settings)
        assert minted(get(both, HOST)).principal == "azure-imds-user"
        assert minted(get(both, OTHER)).principal == "azure-imds-other", settings


def test_a_client_per_registry_hides_another_client_s_secret(
    get, minted, cloud, configured
):
    """A secret in variables is not sent together with another client's id."""
    environment = cloud.environment("azure-client-secret")
    cloud.environment("azure-imds-user")
    chosen = cloud.azure.machine.users[0]
    environment["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = cloud.url
    both = configured(environment, client_id=chosen.client_id)
    assert minted(get(both, OTHER)).principal == "azure-imds-user"
    assert minted(get(both, HOST)).principal == "azure-client-secret"
    assert cloud.calls["entra:token:client_credentials"] == 1


@pytest.mark.parametrize("road", ["", "sdk"])
def test_an_application_of_another_tenant_per_registry(road, get, cloud, configured):
    """Two tenants' applications may trust one pod; the registry refuses the other's."""
    environment = cloud.environment("azure-workload-identity") | {"DOCKCRED_ROAD": road}
    subject = "system:serviceaccount:default:azure-workload-identity"
    guest = Principal("guest", tenant=OTHER_TENANT, subject=subject)
    cloud.azure.directory.add(guest)
    both = configured(environment, tenant_id=OTHER_TENANT, client_id=guest.client_id)
    said = get(both, OTHER).said
    assert guest.client_id in said
    assert OTHER_TENANT in said
    (exchange,) = [r for r in cloud.requests if r.path == "/oauth2/exchange"]
    assert exchange.form["tenant"] == OTHER_TENANT
    assert cloud.minted(get(both, HOST).password).account == TENANT


def test_a_credential_and_an_audience_per_registry(get, minted, cloud, configured):
    environment = cloud.environment("azure-cli")
    cloud.environment("azure-imds")
    environment["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = cloud.url
    audience = "https://management.azure.com"
    both = configured(environment, credential="AzureCliCredential", audience=audience)
    assert minted(get(both, HOST)).principal == "azure-imds"
    assert minted(get(both, OTHER)).principal == "azure-cli"
    (asked,) = [r for r in cloud.requests if r.path.endswith("/oauth2/v2.0/token")]
    assert asked.form["scope"] == f"{audience}/.default"
