"""AKS identity bindings: the API server replaces Entra, by the flags of AKS's plugin.

cloud-provider-azure, cmd/acr-credential-provider and
pkg/credentialprovider/identity_bindings_credentials.go (from 1.35.2 on).
"""

from __future__ import annotations

import time

import pytest
from support.kubelet import account_claims, complaint, password, request

from dockcred.testing.sandbox.azure.directory import TENANT, Principal
from dockcred.testing.sandbox.azure.identity_binding import AUDIENCE, HOST

ACR = "teamregistry.azurecr.io"
CLIENT = "kubernetes.azure.com/acr-client-id"


@pytest.fixture
def bound(far_node):
    """A node of AKS, an application for its pods, flags that name the API server."""
    cloud, environment = far_node
    subject = "system:serviceaccount:team:builder"
    application = cloud.azure.directory.add(Principal("pull", subject=subject))
    port = cloud.listen("127.0.0.1", tls=True)
    flags = (
        f"--ib-sni-name={HOST}:{port}",
        "--ib-apiserver-ip=127.0.0.1",
        f"--ib-default-tenant-id={TENANT}",
    )
    own = {"DOCKCRED_ACR_BINDING_CA": str(cloud.ca_file)}
    # Without NO_PROXY the sandbox's proxy would lead to this host as well.
    own |= dict.fromkeys(("NO_PROXY", "no_proxy"), HOST)
    return cloud, environment | own, application, flags


def _as(cloud, name: str = "builder", audience: str = AUDIENCE, **noted: str) -> bytes:
    token = cloud.azure.cluster.sign(
        audience=[audience],
        now=time.time(),
        lifetime_s=3600,
        sub=f"system:serviceaccount:team:{name}",
        **account_claims("team", name, f"uid-{name}"),
    )
    return request(
        f"{ACR}/app", serviceAccountToken=token, serviceAccountAnnotations=noted
    )


@pytest.mark.parametrize("by", ["annotation", "flag"])
def test_the_api_server_gives_the_token_and_entra_is_not_asked(by, plugin, bound):
    cloud, environment, application, flags = bound
    noted = {CLIENT: application.client_id} if by == "annotation" else {}
    if by == "flag":
        flags = (*flags, f"--ib-default-client-id={application.client_id}")
    answer = plugin(*flags, environment=environment, stdin=_as(cloud, **noted))
    assert "pull" in cloud.minted(password(answer, ACR)).principal
    assert {r.host for r in cloud.requests} == {HOST, ACR}
    assert cloud.calls["aks-identity-binding:token"] == 1


def test_who_is_not_bound_is_told_as_what_and_whom(plugin, bound):
    cloud, environment, application, flags = bound
    stdin = _as(cloud, "thief", **{CLIENT: application.client_id})
    said = complaint(plugin(*flags, environment=environment, stdin=stdin))
    for word in (application.client_id, "team:thief", AUDIENCE):
        assert word in said


def test_the_api_server_is_believed_by_its_own_authority_alone(plugin, bound, tmp_path):
    """A server with another authority's certificate would get the pod's token."""
    cloud, environment, application, flags = bound
    other = tmp_path / "ca.crt"
    other.write_text("")
    environment |= {"DOCKCRED_ACR_BINDING_CA": str(other)}
    stdin = _as(cloud, **{CLIENT: application.client_id})
    said = complaint(plugin(*flags, environment=environment, stdin=stdin))
    assert "DOCKCRED_ACR_BINDING_CA" in said
    assert not cloud.calls


@pytest.mark.parametrize(
    "flags",
    [
        ["--ib-sni-name=name.example"],
        ["--ib-apiserver-ip=10.0.0.1"],
        ["--ib-default-client-id=x"],
        ["--ib-default-tenant-id=x"],
        ["--ib-sni-name=https://name.example", "--ib-apiserver-ip=10.0.0.1"],
    ],
)
def test_half_a_binding_is_told(flags, plugin, bound):
    cloud, environment, _, _ = bound
    said = complaint(plugin(*flags, environment=environment, stdin=_as(cloud)))
    assert "--ib-sni-name" in said
    assert not cloud.calls
