"""The arguments of the clouds' own plugins, whatever name the program has."""

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


def test_azure_json_names_the_managed_identity(tmp_path):
    path = tmp_path / "azure.json"
    path.write_text(
        json.dumps(
            {
                "tenantId": TENANT,
                "aadClientId": "msi",
                "aadClientSecret": "msi",
                "useManagedIdentityExtension": True,
                "userAssignedIdentityID": "u",
            }
        )
    )
    assert parse([str(path)]).variables == {
        "AZURE_TENANT_ID": TENANT,
        "AZURE_CLIENT_ID": "u",
        "AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential",
    }


def test_a_service_principal_of_azure_json_pulls_also_for_a_mirrored_registry(
    plugin, tmp_path
):
    """The answer is under the image's own host, and the secret leaves no trace."""
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
