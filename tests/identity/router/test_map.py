"""A config.toml with many identities: each registry gets its own, all in parallel.

There are three AWS accounts, two Azure tenants, a Google project with impersonation, a
mirror, and a store for the rest.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.program import HOST

from dockcred.testing.sandbox import Sandbox
from dockcred.testing.sandbox.aws.principals import Role
from dockcred.testing.sandbox.azure.directory import OTHER_TENANT, Principal

SECOND = "210987654321.dkr.ecr.eu-west-1.amazonaws.com"
THIRD = "333333333333.dkr.ecr.eu-west-1.amazonaws.com"
ONE_TENANT = "contoso.azurecr.io"
OTHER_TENANTS = "fabrikam.azurecr.io"
GOOGLE = "europe-docker.pkg.dev"
MIRROR = "mirror.corp.example"
PRIVATE = "registry.example:5000"
SUBJECT = "system:serviceaccount:default:azure-workload-identity"


@pytest.fixture
def cloud():
    """A sandbox with real host names, because Azure has no endpoint variables."""
    with Sandbox(tls=True) as sandbox:
        yield sandbox


@pytest.fixture
def mapped(cloud, vault, tmp_path):
    """One environment with all identities' files, and config.toml."""
    second = cloud.environment("profile")
    role = cloud.aws.add_role(
        Role("333333333333", "third", trusts="arn:aws:iam::123456789012:user/env-keys")
    )
    key = cloud.environment("google-impersonated")
    pod = cloud.environment("azure-workload-identity")
    guest = Principal("guest", tenant=OTHER_TENANT, subject=SUBJECT)
    cloud.azure.directory.add(guest)
    cloud.azure.registry.tenants[OTHER_TENANTS] = OTHER_TENANT
    environment = {
        **{k: v for k, v in key.items() if not k.startswith("GOOGLE_APPLICATION")},
        **{k: v for k, v in pod.items() if k.startswith("AZURE_")},
        **cloud.environment("env-keys"),
        **vault,
        "AWS_CONFIG_FILE": f"{second['HOME']}/.aws/config",
        "AWS_SHARED_CREDENTIALS_FILE": f"{second['HOME']}/.aws/credentials",
    }
    config = tmp_path / "config.toml"
    config.write_text(
        f"""
        [[registry]]
        match = "{SECOND}"
        profile = "{second["AWS_PROFILE"]}"

        [[registry]]
        match = "{THIRD}"
        role_arn = "{role.arn}"

        [[registry]]
        match = "{OTHER_TENANTS}"
        tenant_id = "{OTHER_TENANT}"
        client_id = "{guest.client_id}"

        [[registry]]
        match = "{GOOGLE}"
        credentials_file = "{key["GOOGLE_APPLICATION_CREDENTIALS"]}"

        [[registry]]
        match = "{MIRROR}"
        registry = "{HOST}"
        """
    )
    config.chmod(0o600)
    environment["DOCKCRED_CONFIG"] = str(config)
    return environment


EXPECTED = {
    HOST: "env-keys",
    SECOND: "profile",
    THIRD: "third",
    ONE_TENANT: "azure-workload-identity",
    OTHER_TENANTS: "guest",
    GOOGLE: "impersonated",
    MIRROR: "env-keys",
}


def test_each_registry_is_answered_by_its_own_identity_all_at_once(
    auto, cloud, mapped
) -> None:
    login = {"ServerURL": PRIVATE, "Username": "me", "Secret": "typed"}
    stored = auto("store", environment=mapped, stdin=json.dumps(login).encode())
    assert stored.status == 0, stored
    with ThreadPoolExecutor(4) as pool:
        asked = [*EXPECTED, PRIVATE] * 2
        answers = dict(
            zip(asked, pool.map(lambda h: auto.get(mapped, h), asked), strict=True)
        )
    assert answers.pop(PRIVATE).password == "typed"
    principals = {
        host: cloud.minted(answer.password).principal
        for host, answer in answers.items()
    }
    for host, name in EXPECTED.items():
        assert name in principals[host], (host, principals[host])


def test_an_enumeration_makes_no_cold_call(auto, cloud, mapped) -> None:
    """Docker's classic build lists, then gets each key; those gets are cache hits."""
    hosts = (HOST, SECOND, ONE_TENANT, GOOGLE)
    for host in hosts:
        assert auto.get(mapped, host).password
    cloud.reset()
    listed = json.loads(auto("list", environment=mapped).stdout)
    assert set(hosts) <= set(listed)
    # Two identities have not been asked yet: one of AWS's, one of Azure's.
    assert {n: c for n, c in cloud.calls.items() if n != "proxy:CONNECT"} == {
        "sts:AssumeRole": 1,
        "ecr:GetAuthorizationToken": 1,
        "entra:token:client_credentials": 1,
        "acr:exchange": 1,
    }
    assert {THIRD, OTHER_TENANTS, MIRROR} <= set(listed)
    cloud.reset()
    for key in hosts:
        assert auto.get(mapped, key).password
    assert not {k: n for k, n in cloud.calls.items() if k != "proxy:CONNECT"}
