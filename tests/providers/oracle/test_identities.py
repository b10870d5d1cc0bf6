"""Each identity at Oracle, as the program uses it, and what the cache keeps of it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from support import entries
from support.listed import listed
from support.program import NOT_FOUND, Program

from dockcred.testing.sandbox import rs256
from dockcred.testing.sandbox.oracle import identities

CALL = "ocir:token"
LONG = "ocir.eu-frankfurt-1.oci.oraclecloud.com"
KEPT = (
    *("api-key", "encrypted-key", "variables", "session"),
    *("instance-principal", "resource-principal", "workload-identity"),
)
NOT_KEPT = ("resource-principal-variables",)


def oracle(cloud):
    """Return the sandbox's Oracle."""
    return next(c for c in cloud._clouds if c.subject.provider == "oracle")


@pytest.mark.parametrize("who", KEPT)
def test_its_own_token_is_asked_for_once(who, get, cloud) -> None:
    environment = cloud.environment(f"oracle-{who}")
    password = get(environment).password
    minted = cloud.minted(password)
    assert minted.region == "eu-frankfurt-1"
    assert get(environment).password == password
    assert cloud.calls[CALL] == 1


@pytest.mark.parametrize("who", NOT_KEPT)
def test_a_key_in_a_variable_without_a_name_is_not_kept(who, get, cloud) -> None:
    environment = cloud.environment(f"oracle-{who}")
    assert get(environment).password != get(environment).password
    assert cloud.calls[CALL] == 2


def test_both_names_of_a_region_have_tokens_that_it_takes(get, cloud) -> None:
    environment = cloud.environment("oracle-api-key")
    for host in ("fra.ocir.io", "eu-frankfurt-1.ocir.io", LONG):
        password = get(environment, host).password
        assert oracle(cloud).admits("BEARER_TOKEN", password, host, time.time())


def test_the_end_is_the_answers(get, cloud) -> None:
    oracle(cloud).life_s = 3
    environment = cloud.environment("oracle-api-key")
    password = get(environment).password
    time.sleep(3.1)
    assert get(environment).password != password


def test_fifty_at_once_ask_once(ocir, cloud) -> None:
    environment = cloud.environment("oracle-api-key") | {"DOCKCRED_TIMEOUT": "25"}
    answers = ocir.get_together(environment, ["fra.ocir.io"] * 50)
    assert len({answer.password for answer in answers}) == 1
    assert cloud.calls[CALL] == 1


def test_another_key_in_the_file_has_another_token(get, cloud) -> None:
    environment = cloud.environment("oracle-api-key")
    first = cloud.minted(get(environment).password)
    cloud.environment("oracle-api-key")
    assert cloud.minted(get(environment).password).principal != first.principal


def test_a_session_of_another_user_has_another_token(get, cloud) -> None:
    environment = cloud.environment("oracle-session")
    first = cloud.minted(get(environment).password)
    cloud.environment("oracle-session")
    assert cloud.minted(get(environment).password).principal != first.principal


def test_an_image_of_a_disk_does_not_answer_on_another_instance(get, cloud) -> None:
    environment = cloud.environment("oracle-instance-principal")
    first = cloud.minted(get(environment).password)
    oracle(cloud).tenancy.instance += "other"
    entries.end_lease(entries.only(environment, "oracle"))
    second = cloud.minted(get(environment).password)
    assert (first.principal, second.principal) == (
        oracle(cloud).tenancy.instance.removesuffix("other"),
        oracle(cloud).tenancy.instance,
    )


def test_variables_go_before_the_profile(get, cloud) -> None:
    cloud.environment("oracle-api-key")
    environment = cloud.environment("oracle-api-key")
    said, key = oracle(cloud).tenancy.user("other")
    named = {f"OCI_CLI_{name.upper()}": value for name, value in said.items()}
    named["OCI_CLI_KEY_CONTENT"] = rs256.pem(key)
    password = get(environment | named).password
    assert cloud.minted(password).principal == said["user"]


def test_a_pod_by_the_variables_of_okes_own_page(get, cloud) -> None:
    environment = cloud.environment("oracle-workload-identity")
    del environment["OCI_CLI_AUTH"]
    minted = cloud.minted(get(environment).password)
    assert minted.principal == "system:serviceaccount:default:workload"


def test_nobody_goes_on_anonymously_and_loads_no_library(ocir, cloud) -> None:
    environment = cloud.environment("oracle-nobody")
    answer = ocir.get(environment, "fra.ocir.io")
    assert (answer.status, answer.stdout) == (1, NOT_FOUND)
    loaded = ocir.get(environment | {"PYTHONPROFILEIMPORTTIME": "1"}, "fra.ocir.io")
    assert b"cryptography" not in loaded.stderr


@pytest.mark.parametrize(
    "host",
    [
        *("fra.ocir.io.example.com", "ocir.io", "a.fra.ocir.io", "fraxocir.io"),
        "ocir.eu-frankfurt-1.oci.oraclecloud.com.example.com",
        "ocir.eu-frankfurt-1.oci.oraclecloudx.com",
        "ocir.eu-frankfurt-1.oci.oracle.mycloud.com",
        "ocir.eu-frankfurt-1.oci.oraclecloud7.com",
        "ocir.oci.oraclecloud.com",
        "objectstorage.eu-frankfurt-1.oraclecloud.com",
        "-.ocir.io",
    ],
)
def test_a_look_alike_is_nobodys(host, ocir, cloud) -> None:
    answer = ocir.get(cloud.environment("oracle-api-key"), host)
    assert (answer.status, answer.stdout) == (1, NOT_FOUND)
    assert not cloud.calls


def test_what_a_profile_needs_is_named(get, cloud) -> None:
    environment = cloud.environment("oracle-encrypted-key")
    path = Path(environment["OCI_CLI_CONFIG_FILE"])
    whole = path.read_text()
    for line in whole.splitlines()[1:]:
        field = line.partition("=")[0]
        if field == "region":
            continue
        path.write_text(whole.replace(f"{line}\n", ""))
        said = get(environment).said
        assert "passphrase" in said if field == "pass_phrase" else field in said
    path.write_text(whole)
    assert get(environment).password
    wrong = environment | {"OCI_CLI_PASSPHRASE": "another"}
    assert "passphrase" in get(wrong).said
    assert "no profile 'OTHER'" in get(environment | {"OCI_CLI_PROFILE": "OTHER"}).said


def test_a_secret_is_told_nowhere(ocir, cloud) -> None:
    environment = cloud.environment("oracle-encrypted-key")
    environment |= {"DOCKCRED_LOG": "debug", "OCI_CLI_FINGERPRINT": "wrong"}
    answer = ocir.get(environment, "fra.ocir.io")
    assert "fingerprint" in answer.stdout.decode()
    told = answer.stdout + answer.stderr
    assert identities.PASSPHRASE.encode() not in told
    assert b"PRIVATE KEY" not in told


def test_a_way_that_is_not_spoken_is_refused(get, cloud) -> None:
    environment = cloud.environment("oracle-api-key")
    said = get(environment | {"OCI_CLI_AUTH": "instance_obo_user"}).said
    assert "OCI_CLI_AUTH" in said
    assert "instance_principal" in said


def test_the_one_name_for_all_serves_every_realm_and_loads_it_for_no_other(
    helper_bin: Path, cloud
) -> None:
    from dockcred import wiring
    from dockcred.providers.oracle.hosts import REALMS

    ends = wiring._OWN_ENDS["oracle"]
    assert all(f"ocir.eu-x-1.oci.{realm}".endswith(ends) for realm in REALMS)
    assert not any(
        host.endswith(ends)
        for host in (
            "ghcr.io",
            "docker.io",
            "gcr.io",
            "1.dkr.ecr.eu-west-1.amazonaws.com",
        )
    )
    auto = Program(str(helper_bin / "docker-credential-auto"))
    environment = cloud.environment("oracle-api-key")
    assert auto.get(environment, "fra.ocir.io").password
    profiled = environment | {"PYTHONPROFILEIMPORTTIME": "1"}
    told = auto.get(profiled, "ghcr.io").stderr
    assert b"dockcred.providers.github" in told
    assert b"dockcred.providers.oracle" not in told


def test_config_toml_says_which_profile_is_a_registrys(get, cloud) -> None:
    environment = cloud.environment("oracle-api-key")
    home = Path(environment["HOME"])
    said, key = oracle(cloud).tenancy.user("other")
    (home / "other.pem").write_text(rs256.pem(key))
    said["key_file"] = "~/other.pem"
    with (home / ".oci/config").open("a") as file:
        file.write("[OTHER]\n" + "".join(f"{n}={v}\n" for n, v in said.items()))
    config = home / "config.toml"
    config.write_text('[[registry]]\nmatch = "fra.ocir.io"\noci_profile = "OTHER"\n')
    environment["DOCKCRED_CONFIG"] = str(config)
    assert cloud.minted(get(environment).password).principal == said["user"]
    another = cloud.minted(get(environment, "iad.ocir.io").password)
    assert another.principal != said["user"]


def test_setup_and_status_know_the_profiles(helper_bin: Path, cloud) -> None:
    from dockcred.commands.setup import clouds
    from dockcred.system.environment import Environment

    environment = cloud.environment("oracle-encrypted-key")
    told = clouds.here(Environment(environment))
    assert "profiles of Oracle's configuration: WORK" in told
    status = Program(str(helper_bin / "dockcred"))(
        "status", "fra.ocir.io", "--json", environment=environment
    )
    assert b"oracle:api-key" in status.stdout
    assert b'"profile": "WORK"' in status.stdout
    assert identities.PASSPHRASE.encode() not in status.stdout


def test_the_regions_registries_are_listed(ocir, cloud) -> None:
    for who in ("api-key", "session", "resource-principal"):
        environment = cloud.environment(f"oracle-{who}")
        environment |= {"OCI_RESOURCE_PRINCIPAL_REGION": "fra"}
        cloud.reset()
        found = listed(ocir("list", environment=environment))
        assert found == {
            "fra.ocir.io": "BEARER_TOKEN",
            LONG: "BEARER_TOKEN",
        }, who
        assert cloud.calls[CALL] == 1
        assert LONG in listed(ocir("list", environment=environment))
        assert cloud.calls[CALL] == 1


def test_a_region_that_the_command_line_says_goes_before_the_profiles(ocir, cloud):
    environment = cloud.environment("oracle-api-key") | {"OCI_CLI_REGION": "iad"}
    assert "iad.ocir.io" in listed(ocir("list", environment=environment))
    environment["OCI_CLI_REGION"] = "eu-nowhere-9"
    environment["DOCKCRED_CACHE"] = "off"
    assert listed(ocir("list", environment=environment)) == {}
