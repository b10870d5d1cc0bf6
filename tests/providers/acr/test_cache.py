"""The cache with Azure's identities: a hit sends no request, a change is a miss."""

from __future__ import annotations

import json
import os
import shutil
import time

import pytest
from support import entries
from support.program import with_system_path

from dockcred.providers.acr import ACR, sources
from dockcred.providers.acr import identity as module
from dockcred.system.environment import Environment
from dockcred.testing.sandbox import Sandbox
from dockcred.testing.sandbox.azure.directory import Principal

pytestmark = pytest.mark.slow  # as a whole too long for `make test`

HOST = "contoso.azurecr.io"
IDENTITIES = (
    "azure-client-secret",
    "azure-client-certificate",
    "azure-user-password",
    "azure-workload-identity",
    "azure-imds",
    "azure-imds-user",
    "azure-app-service",
    "azure-machine-learning",
    "azure-cloud-shell",
    "azure-service-fabric",
    "azure-cli",
    "azure-powershell",
    "azure-developer-cli",
)
SHORT_LIFE_S = 4
ROWS = {row.name: row for row in ACR.sources}


def test_every_source_has_a_row():
    planned = {
        value
        for name, value in vars(sources).items()
        if name.isupper() and isinstance(value, str) and value.startswith("azure:")
    }
    assert len(planned) == 13
    assert planned == set(ROWS)


def test_machines_have_a_lease_and_logins_are_watched(tmp_path):
    for name in sources.MANAGED:
        assert ROWS[name].lease_s == 900, name
    (tmp_path / "az").touch(0o700)
    variables = {"PATH": str(tmp_path), "HOME": "/home/me"}
    identity = module.AzureIdentity(None, Environment(variables))
    assert "/home/me/.azure/azureProfile.json" in identity.files
    variables["AZURE_CONFIG_DIR"] = "/elsewhere"
    identity = module.AzureIdentity(None, Environment(variables))
    assert "/elsewhere/azureProfile.json" in identity.files


@pytest.mark.parametrize("name", IDENTITIES)
@pytest.mark.parametrize("road", ["", "sdk"])
def test_a_second_get_asks_nobody(name, road, get, cloud):
    environment = cloud.environment(name) | {"DOCKCRED_ROAD": road}
    first = get(environment).password
    cloud.reset()
    assert get(environment).password == first
    assert cloud.calls.total() == 0


@pytest.mark.parametrize(
    "name", ["azure-imds", "azure-workload-identity", "azure-client-secret"]
)
def test_fifty_cold_gets_mint_once(name, acr, cloud):
    answers = acr.get_together(cloud.environment(name), [HOST] * 50)
    assert len({answer.password for answer in answers}) == 1
    assert cloud.calls["acr:exchange"] == 1


def test_fifty_that_fail_together_ask_once(acr):
    """Processes that waited for the one that mints answer with its failure."""
    with Sandbox(latency_ms=1500, fail=["acr:access-denied"]) as cloud:
        answers = acr.get_together(cloud.environment("azure-imds"), [HOST] * 50)
    assert {answer.status for answer in answers} == {1}
    assert len({answer.stdout for answer in answers}) == 1
    assert b"firewall" in answers[0].stdout
    assert cloud.calls["acr:exchange"] == 1


def test_an_expired_token_is_never_answered(acr):
    """Tokens live for seconds only; the registry decides whether one is valid."""
    with Sandbox(expires_s=SHORT_LIFE_S) as cloud:
        environment = cloud.environment("azure-imds") | {"DOCKCRED_REFRESH": "off"}
        seen = []
        while len(set(seen)) < 3:
            asked = time.time()
            seen.append(acr.get(environment, HOST).password)
            assert cloud.azure.admits(
                "00000000-0000-0000-0000-000000000000", seen[-1], HOST, asked
            )
            time.sleep(0.1)
    assert cloud.calls["acr:exchange"] == 3 < len(seen)


def test_a_token_that_is_over_on_receipt_is_a_failure_not_an_answer(acr):
    with Sandbox(expires_s=0) as cloud:
        said = acr.get(cloud.environment("azure-imds"), HOST).said
    assert "clock" in said


def test_with_the_cloud_down_the_last_token_serves_to_its_end_only(get, cloud):
    environment = cloud.environment("azure-client-secret")
    password = get(environment).password
    cloud.fail("acr:access-denied")
    entries.age_to(entries.only(environment), 0.9)
    assert get(environment).password == password
    entries.age_to(entries.only(environment), 0.11)
    assert "firewall" in get(environment).said


# Swaps: another identity under the same variables.


def test_a_machine_is_asked_who_it_is_when_its_lease_is_over(get, cloud):
    environment = cloud.environment("azure-imds")
    password = get(environment).password
    entries.end_lease(entries.only(environment))
    cloud.reset()
    assert get(environment).password == password
    assert cloud.calls["azure-imds:token"] == 1
    assert cloud.calls["acr:exchange"] == 0


@pytest.mark.parametrize("name", ["azure-imds", "azure-app-service"])
@pytest.mark.parametrize("road", ["", "sdk"])
def test_a_swapped_managed_identity_is_another_when_the_lease_is_over(
    name, road, get, minted, cloud
):
    environment = cloud.environment(name) | {"DOCKCRED_ROAD": road}
    assert minted(get(environment)).principal == name
    cloud.azure.machine.system = Principal("azure-swapped")
    entries.end_lease(entries.only(environment))
    assert minted(get(environment)).principal == "azure-swapped"


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("azure-imds-user", "AZURE_CLIENT_ID"),
        ("azure-imds-user", "DOCKCRED_ACR_OBJECT_ID"),
    ],
)
def test_another_chosen_identity_is_another_entry(name, variable, get, minted, cloud):
    environment = cloud.environment(name)
    first = minted(get(environment))
    other = cloud.azure.machine.users[1]
    ids = {
        "AZURE_CLIENT_ID": other.client_id,
        "DOCKCRED_ACR_OBJECT_ID": other.object_id,
    }
    del environment["AZURE_CLIENT_ID"]
    second = minted(get(environment | {variable: ids[variable]}))
    assert (first.principal, second.principal) == (name, "azure-imds-other")


def test_another_pod_on_the_same_token_path_is_another(get, minted, cloud):
    """A token rotated for the same subject is a hit; for another subject it mints."""
    environment = cloud.environment("azure-workload-identity")
    first = get(environment).password
    work = cloud.azure.workplace(cloud.home / "azure-workload-identity", cloud.url)
    subject = "system:serviceaccount:default:azure-workload-identity"
    work.federated_token(subject, now=time.time() - 60)
    assert get(environment).password == first
    work.federated_token("system:serviceaccount:default:stranger")
    assert "AADSTS700213" in get(environment).said


def test_another_secret_of_the_same_application_is_a_hit_another_application_not(
    get, cloud
):
    """The cache key holds a service principal's ids, never its secret."""
    environment = cloud.environment("azure-client-secret")
    first = get(environment).password
    path = entries.only(environment)
    assert environment["AZURE_CLIENT_SECRET"] not in path.read_text()
    assert get(environment | {"AZURE_CLIENT_SECRET": "new"}).password == first
    other = environment | {"AZURE_CLIENT_ID": "11111111-0000-0000-0000-000000000000"}
    assert "AADSTS700016" in get(other).said


@pytest.mark.parametrize("program", ["az", "azd", "pwsh"])
def test_logout_is_a_miss_and_so_is_another_login(program, get, minted, cloud):
    names = {"az": "cli", "azd": "developer-cli", "pwsh": "powershell"}
    name = f"azure-{names[program]}"
    environment = cloud.environment(name)
    assert minted(get(environment)).principal == name
    work = cloud.azure.workplace(cloud.home / name, cloud.url)
    work.log_in(program, Principal("azure-colleague"))
    assert minted(get(environment)).principal == "azure-colleague"
    work.log_out(program)
    answer = get(environment)
    assert answer.status == 1
    assert b"Secret" not in answer.stdout


def test_az_s_own_renewal_of_a_token_is_a_hit(get, cloud):
    """az writes its token cache at every renewal; its profile only at a login."""
    environment = cloud.environment("azure-cli")
    first = get(environment).password
    (cloud.home / "azure-cli/.azure/msal_token_cache.json").write_text("{}")
    assert get(environment).password == first


def test_a_cache_on_another_machine_answers_nobody(get, cloud):
    """The key holds the boot: for a cache in an image, or a home directory on NFS."""
    environment = cloud.environment("azure-imds")
    get(environment)
    path = entries.only(environment)
    entry = entries.read(path)
    host = os.uname().nodename
    entry.key = entry.key.replace(host, "another-machine")
    entries.write(path, entry)
    cloud.reset()
    assert get(environment).status == 0
    assert cloud.calls["acr:exchange"] == 1


def test_the_registries_of_a_cloud_have_an_entry_each(get, cloud):
    environment = cloud.environment("azure-imds")
    hosts = ("contoso.azurecr.io", "fabrikam.azurecr.io")
    passwords = {get(environment, host).password for host in hosts}
    assert len(passwords) == 2
    assert {get(environment, host).password for host in hosts} == passwords
    assert cloud.calls["acr:exchange"] == 2


def test_list_names_what_a_get_would_answer_and_erase_drops_it(acr, get, cloud):
    environment = with_system_path(cloud.environment("azure-imds"))
    get(environment)
    cloud.reset()
    listed = json.loads(acr("list", environment=environment).stdout)
    assert listed == {HOST: "00000000-0000-0000-0000-000000000000"}
    assert acr("erase", environment=environment, stdin=HOST.encode()).status == 0
    assert json.loads(acr("list", environment=environment).stdout) == {}
    assert cloud.calls.total() == 0


def test_store_succeeds_and_stores_nothing(acr, cloud):
    environment = cloud.environment("azure-imds")
    request = {"ServerURL": HOST, "Username": "u", "Secret": "a-secret"}
    stdin = json.dumps(request).encode()
    answer = acr("store", environment=environment, stdin=stdin)
    assert (answer.status, answer.stdout) == (0, b"")
    assert b"nothing was stored" in answer.stderr
    assert b"a-secret" not in answer.stderr
    shutil.rmtree(environment["DOCKCRED_CACHE_DIR"], ignore_errors=True)
