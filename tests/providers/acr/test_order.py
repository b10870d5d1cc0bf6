"""Identities are asked in azure-identity's order; an application is the only one."""

from __future__ import annotations

import pytest

from dockcred.errors import InvalidInputError
from dockcred.providers.acr import sources
from dockcred.system.environment import Environment

APPLICATION = {"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c"}
SECRET = APPLICATION | {"AZURE_CLIENT_SECRET": "s"}
CERTIFICATE = APPLICATION | {"AZURE_CLIENT_CERTIFICATE_PATH": "/c.pem"}
FEDERATED = APPLICATION | {"AZURE_FEDERATED_TOKEN_FILE": "/t"}
USER = {"AZURE_CLIENT_ID": "c", "AZURE_USERNAME": "u", "AZURE_PASSWORD": "p"}
APP = {"IDENTITY_ENDPOINT": "http://localhost/x", "IDENTITY_HEADER": "h"}
MSI = {"MSI_ENDPOINT": "http://localhost/x"}


@pytest.fixture
def path(tmp_path):
    """A PATH with az, pwsh and azd."""
    for name in ("az", "pwsh", "azd"):
        (tmp_path / name).touch(0o700)
    return {"PATH": f"{tmp_path}:/usr/bin"}


@pytest.mark.parametrize(
    ("variables", "planned"),
    [
        ({}, ("azure:imds",)),
        ({"AZURE_CLIENT_ID": "c"}, ("azure:imds",)),
        (SECRET, ("azure:client-secret",)),
        (SECRET | CERTIFICATE | FEDERATED | APP, ("azure:client-secret",)),
        (CERTIFICATE | FEDERATED, ("azure:client-certificate",)),
        (USER, ("azure:user-password",)),
        (FEDERATED | APP, ("azure:workload-identity",)),
        (APP, ("azure:app-service",)),
        (APP | MSI | {"MSI_SECRET": "s"}, ("azure:app-service",)),
        (APP | {"IDENTITY_SERVER_THUMBPRINT": "t"}, ("azure:service-fabric",)),
        (
            {"IDENTITY_ENDPOINT": "x", "IMDS_ENDPOINT": "http://localhost:40342"},
            ("azure:arc",),
        ),
        (MSI | {"MSI_SECRET": "s"}, ("azure:machine-learning",)),
        (MSI, ("azure:cloud-shell",)),
        ({"AZURE_TOKEN_CREDENTIALS": "prod"}, ("azure:imds",)),
        ({"AZURE_TOKEN_CREDENTIALS": "dev"}, ()),
        (
            FEDERATED | {"AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential"},
            ("azure:imds",),
        ),
        (
            SECRET | {"AZURE_TOKEN_CREDENTIALS": "WorkloadIdentityCredential"},
            (),
        ),
        ({"AZURE_TOKEN_CREDENTIALS": "AzureCliCredential"}, ("azure:cli",)),
    ],
)
def test_variables_choose_the_source(variables, planned):
    assert sources.plan(Environment(variables)) == planned


def test_programs_come_after_the_machine(path):
    programs = ("azure:cli", "azure:powershell", "azure:developer-cli")
    assert sources.plan(Environment(path)) == ("azure:imds", *programs)
    assert sources.plan(Environment(path | {"AZURE_TOKEN_CREDENTIALS": "dev"})) == (
        programs
    )
    assert sources.plan(Environment(path | SECRET)) == ("azure:client-secret",)


def test_programs_come_after_what_a_platform_names_too(path):
    programs = ("azure:cli", "azure:powershell", "azure:developer-cli")
    for variables, source in ((APP, "azure:app-service"), (MSI, "azure:cloud-shell")):
        assert sources.plan(Environment(path | variables)) == (source, *programs)
    prod = {"AZURE_TOKEN_CREDENTIALS": "prod"}
    assert sources.plan(Environment(path | APP | prod)) == ("azure:app-service",)


@pytest.mark.parametrize("name", ["DOCKCRED_ACR_OBJECT_ID", "DOCKCRED_ACR_RESOURCE_ID"])
def test_an_id_that_only_a_machine_s_identity_has_chooses_the_machine(name, path):
    planned = sources.plan(Environment(path | SECRET | {name: "x"}))
    assert planned == ("azure:imds",)


def test_a_program_in_the_working_directory_is_not_found(path, monkeypatch):
    monkeypatch.chdir(path["PATH"].partition(":")[0])
    assert sources.plan(Environment({"PATH": ":.:bin"})) == ("azure:imds",)


def test_the_order_is_azure_identity_s():
    """The order is read from DefaultAzureCredential, with an empty environment."""
    identity = pytest.importorskip("azure.identity")
    names = {
        "EnvironmentCredential": "environment",
        "WorkloadIdentityCredential": "workload",
        "FailedDACCredential": "workload",
        "ManagedIdentityCredential": "managed",
        "AzureCliCredential": sources.CLI,
        "AzurePowerShellCredential": sources.POWERSHELL,
        "AzureDeveloperCliCredential": sources.DEVELOPER_CLI,
    }
    chain = identity.DefaultAzureCredential()
    theirs = [names.get(type(one).__name__) for one in chain.credentials]
    chain.close()
    assert [name for name in theirs if name] == list(sources._CHOICES[""])


@pytest.mark.parametrize("name", ["InteractiveBrowserCredential", "nonsense"])
def test_a_credential_that_needs_a_desktop_is_refused(name):
    with pytest.raises(InvalidInputError, match="AZURE_TOKEN_CREDENTIALS"):
        sources.plan(Environment({"AZURE_TOKEN_CREDENTIALS": name}))


def test_a_person_s_login_serves_where_the_machine_has_no_identity(get, minted, cloud):
    """The metadata service answers that there is no identity; az is asked next."""
    environment = cloud.environment("azure-cli")
    environment["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = cloud.url
    assert minted(get(environment)).principal == "azure-cli"
    assert cloud.calls["azure-imds:token"] == 1


def test_a_configured_identity_that_fails_is_an_error_and_asks_nobody_else(get, cloud):
    environment = cloud.environment("azure-cli")
    broken = cloud.environment("azure-client-secret") | {"AZURE_CLIENT_SECRET": "x"}
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"):
        environment[name] = broken[name]
    assert "AADSTS7000215" in get(environment).said
    assert cloud.calls["acr:exchange"] == 0
    assert cloud.calls["entra:token:refresh_token"] == 0
