"""The tokens' audience: the registry's, else Resource Manager's where it is unknown."""

from __future__ import annotations

import pytest

from dockcred.transport.json_reader import claims_of

OWN = "https://containerregistry.azure.net"
MANAGEMENT = "https://management.azure.com"
NAMES = (
    "azure-client-secret",
    "azure-imds",
    "azure-app-service",
    "azure-cli",
    "azure-workload-identity",
)


def _audience(cloud):
    exchanges = [r for r in cloud.requests if r.path == "/oauth2/exchange"]
    (token,) = [r.form["access_token"] for r in exchanges]
    return claims_of(token.encode())["aud"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("road", ["", "sdk"])
def test_a_cloud_without_the_registry_s_audience_has_another(
    name, road, get, minted, cloud
):
    cloud.azure.directory.resources.remove(OWN)
    environment = cloud.environment(name) | {"DOCKCRED_ROAD": road}
    assert minted(get(environment)).principal == name
    assert _audience(cloud) == MANAGEMENT


def test_a_registry_that_refuses_resource_managers_audience_is_served(
    get, minted, cloud
):
    """azureADAuthenticationAsArmPolicy=disabled: Resource Manager's tokens fail."""
    cloud.azure.registry.takes_arm_tokens = False
    minted(get(cloud.environment("azure-imds")))
    assert _audience(cloud) == OWN


def test_an_audience_that_is_named_is_the_only_one(get, cloud):
    environment = cloud.environment("azure-imds")
    environment["DOCKCRED_ACR_AUDIENCE"] = f"{MANAGEMENT}/.default"
    assert get(environment).status == 0
    assert _audience(cloud) == MANAGEMENT
    environment["DOCKCRED_ACR_AUDIENCE"] = "https://registry.disconnected.example"
    said = get(environment).said
    assert "AADSTS500011" in said
    assert "DOCKCRED_ACR_AUDIENCE" in said


def test_what_is_no_resource_is_no_audience(get, cloud):
    environment = cloud.environment("azure-imds") | {"DOCKCRED_ACR_AUDIENCE": "x y"}
    assert "DOCKCRED_ACR_AUDIENCE" in get(environment).said
    assert cloud.calls.total() == 0
