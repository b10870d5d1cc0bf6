"""The arguments of the clouds' own plugins work, whatever name the program has."""

from __future__ import annotations

import json

import pytest
from support.kubelet import complaint, password, request, response

from dockcred.errors import InvalidInputError
from dockcred.protocol.kubelet.drop_in import parse
from dockcred.testing.sandbox import Sandbox
from dockcred.testing.sandbox.azure.directory import TENANT, Principal

GCP = {"project-id": "DOCKCRED_GOOGLE_PROJECT", "identity-provider": "DOCKCRED_GOOGLE_IDENTITY_PROVIDER"}  # fmt: skip


@pytest.mark.parametrize(
    "arguments",
    [
        ["get-credentials"],
        ["-v=3"],
        ["get-credentials", "--v", "2"],
        ["--authFlow=gcr"],
    ],
)
def test_harmless_arguments_change_nothing(arguments, plugin, node, cloud):
    answer = plugin(*arguments, environment=node(), stdin=request())
    assert cloud.minted(password(answer))


@pytest.mark.parametrize(
    "arguments",
    [
        ["get-credential"],
        ["--no-such-flag"],
        ["--registry-mirror=mcr.microsoft.com"],
        ["--authFlow=dockercfg"],
        ["/nowhere/azure.json"],
    ],
)
def test_what_is_not_understood_is_told(arguments, plugin, node, cloud):
    assert complaint(plugin(*arguments, environment=node(), stdin=request()))
    assert not cloud.calls


@pytest.mark.parametrize("form", ["--{}={}", "-{}={}"])
@pytest.mark.parametrize("flag", GCP)
def test_go_takes_one_dash_or_two(form, flag):
    assert parse([form.format(flag, "x")]).variables == {GCP[flag]: "x"}
    assert parse([f"--{flag}", "x"]).variables == {GCP[flag]: "x"}


@pytest.mark.parametrize("text", ["[]", "{", "", "null", '"x"'])
def test_an_azure_json_that_is_none_is_told_unquoted(text, tmp_path):
    path = tmp_path / "azure.json"
    path.write_text(text)
    with pytest.raises(InvalidInputError, match=r"azure\.json"):
        parse([str(path)])


MANAGED = {"AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential"}
HIDDEN = dict.fromkeys(
    ("AZURE_CLIENT_ID", "DOCKCRED_ACR_OBJECT_ID", "DOCKCRED_ACR_RESOURCE_ID"), ""
)
RESOURCE = (
    "/subscriptions/s/resourcegroups/g/providers/Microsoft.ManagedIdentity"
    "/userAssignedIdentities/x"
)
GUID = "11111111-2222-3333-4444-555555555555"
OF_MACHINE = {"tenantId": TENANT, "useManagedIdentityExtension": True}


def _read(tmp_path, fields):
    path = tmp_path / "azure.json"
    path.write_text(fields if isinstance(fields, str) else json.dumps(fields))
    return parse([str(path)]).variables


# cloud-provider-azure, pkg/credentialprovider/azure_credentials.go: a value with
# "/SUBSCRIPTIONS/", in any case, is azidentity.ResourceID, any other is a ClientID.
@pytest.mark.parametrize(
    ("identity", "chosen"),
    [
        (GUID, {"AZURE_CLIENT_ID": GUID}),
        (RESOURCE, {"DOCKCRED_ACR_RESOURCE_ID": RESOURCE}),
        (RESOURCE.upper(), {"DOCKCRED_ACR_RESOURCE_ID": RESOURCE.upper()}),
        (f"https://a{RESOURCE}", {"DOCKCRED_ACR_RESOURCE_ID": f"https://a{RESOURCE}"}),
        (RESOURCE[1:], {"AZURE_CLIENT_ID": RESOURCE[1:]}),
        ("subscriptions", {"AZURE_CLIENT_ID": "subscriptions"}),
    ],
)
def test_azure_json_names_the_managed_identity_by_either_id(identity, chosen, tmp_path):
    fields = OF_MACHINE | {"userAssignedIdentityID": identity, "aadClientId": "msi"}
    found = _read(tmp_path, fields)
    assert found == {"AZURE_TENANT_ID": TENANT} | MANAGED | HIDDEN | chosen


# Names match as in Go's encoding/json and sigs.k8s.io/yaml.
@pytest.mark.parametrize(
    ("text", "identity"),
    [
        ('{"USEMANAGEDIDENTITYEXTENSION": true, "userassignedidentityid": "u"}', "u"),
        ('{"useManagedIdentityExtension": true, "userAssignedIdentityID": "v", "userAssignedIdentityId": "u"}', "u"),
        ('{"useManagedIdentityExtension": true, "userAssignedIdentityID": "u", "userassignedidentityid": null}', "u"),
        ('{"useManagedIdentityExtension": true, "userAssignedIdentityID": 7}', "7"),
        ('{"useManagedIdentityExtension": true, "userAssignedIdentityID": true}', "true"),
    ],
)  # fmt: skip
def test_a_name_of_azure_json_is_found_as_go_finds_it(text, identity, tmp_path):
    assert _read(tmp_path, text) == MANAGED | HIDDEN | {"AZURE_CLIENT_ID": identity}


@pytest.mark.parametrize(
    "text",
    [
        '{"useManagedIdentityExtension": "false", "aadClientId": "c"}',
        '{"useManagedIdentityExtension": 1, "aadClientId": "c"}',
        '{"useManagedIdentityExtension": true, "userAssignedIdentityID": ["u"]}',
        '{"useManagedIdentityExtension": true, "tenantId": {"id": "t"}}',
    ],
)
def test_a_field_of_another_kind_is_told_and_decides_nothing(text, tmp_path):
    with pytest.raises(InvalidInputError, match=r"azure\.json"):
        _read(tmp_path, text)


def test_a_service_principal_of_azure_json_is_the_only_one(tmp_path):
    """If its secret is missing, it is an error: the machine's identity is not used."""
    fields = {"tenantId": TENANT, "aadClientId": "c", "aadClientSecret": "s"}
    found = _read(tmp_path, fields | {"aadClientCertPath": "/x.pem"})
    assert found["AZURE_TOKEN_CREDENTIALS"] == "EnvironmentCredential"
    assert (found["AZURE_CLIENT_SECRET"], found["AZURE_CLIENT_CERTIFICATE_PATH"]) == (
        "s",
        "",
    )
    del fields["aadClientSecret"]
    found = _read(tmp_path, fields | {"aadClientCertPath": "/x.pem"})
    assert found["AZURE_CLIENT_CERTIFICATE_PATH"] == "/x.pem"


@pytest.mark.parametrize("which", ["client_id", "resource_id", "RESOURCE_ID"])
def test_a_node_asks_for_the_identity_that_azure_json_names(which, plugin, tmp_path):
    """AZURE_CLIENT_ID in kubelet's own environment does not change it."""
    with Sandbox(tls=True) as cloud:
        variables = cloud.environment("azure-imds-user", inherit={})
        other = cloud.azure.machine.users[1]
        identity = getattr(other, which.lower())
        if which.isupper():
            identity = identity.upper()
        path = tmp_path / "azure.json"
        path.write_text(json.dumps(OF_MACHINE | {"userAssignedIdentityID": identity}))
        environment = variables | {
            "PATH": "/usr/bin:/bin",
            "DOCKCRED_CACHE_DIR": str(tmp_path / "cache"),
        }
        host = "teamregistry.azurecr.io"
        answer = plugin(
            str(path), environment=environment, stdin=request(f"{host}/app")
        )
        assert cloud.minted(password(answer, host)).principal == other.name
        (asked,) = (r for r in cloud.requests if r.header("metadata"))
        name = "client_id" if which == "client_id" else "msi_res_id"
        assert asked.parameters[name] == identity


def test_a_service_principal_of_azure_json_pulls_also_for_a_mirrored_registry(
    plugin, tmp_path
):
    """The answer's key is the image's own host; the secret is in no file."""
    with Sandbox(tls=True) as cloud:
        principal = Principal("node", secret="node-s-secret")
        cloud.azure.directory.add(principal)
        path = tmp_path / "azure.json"
        fields = {"tenantId": TENANT, "aadClientId": principal.client_id}
        path.write_text(json.dumps(fields | {"aadClientSecret": principal.secret}))
        variables = cloud.environment("azure-nothing", inherit={})
        environment = {
            name: value
            for name, value in variables.items()
            if name.upper().endswith("PROXY") or name == "SSL_CERT_FILE"
        } | {"PATH": "/usr/bin:/bin", "DOCKCRED_CACHE_DIR": str(tmp_path / "cache")}
        mirror = "--registry-mirror=mcr.microsoft.com:teamregistry.azurecr.io"
        arguments = (str(path), mirror)
        for host in ("teamregistry.azurecr.io", "mcr.microsoft.com"):
            answer = plugin(
                *arguments, environment=environment, stdin=request(f"{host}/app")
            )
            minted = cloud.minted(password(answer, host))
            assert minted.host == "teamregistry.azurecr.io"
        foreign = plugin(
            *arguments, environment=environment, stdin=request("quay.io/app")
        )
        assert response(foreign)["auth"] == {}
        kept = [p for p in (tmp_path / "cache").rglob("*") if p.is_file()]
        assert kept
        assert not any(principal.secret in p.read_text() for p in kept)
