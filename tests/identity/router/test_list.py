"""`list` names the registries that a `get` would answer, even before the first `get`.

docker's classic builder, docker-py, testcontainers and regctl run `list` first, and
`get` only for what it names.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support import entries
from support.listed import AWS, ECR_CALL, OTHER, configured, listed
from support.program import BUSY_S, HOST, PUBLIC, Program

ACR_USER = "00000000-0000-0000-0000-000000000000"


def _docker_file(environment, content: object) -> dict[str, str]:
    directory = Path(environment["HOME"], ".docker")
    directory.mkdir(exist_ok=True)
    (directory / "config.json").write_text(json.dumps(content))
    return dict(environment)


@pytest.mark.parametrize("name", ["ecr", "auto"])
def test_a_cold_list_names_the_account_s_registry_for_one_request(
    name, request, cloud
) -> None:
    """As AWS's helper does: only AWS can tell which account the keys are of."""
    program = request.getfixturevalue(name)
    environment = cloud.environment("env-keys")
    assert listed(program("list", environment=environment)) == AWS
    assert cloud.calls[ECR_CALL] == 1
    assert cloud.minted(program.get(environment, HOST).password)


def test_a_warm_list_asks_nobody(auto, cloud) -> None:
    environment = cloud.environment("env-keys")
    auto.get(environment, OTHER)
    cloud.reset()
    assert listed(auto("list", environment=environment)) == {
        OTHER: "AWS",
        PUBLIC: "AWS",
    }
    assert not cloud.calls


def test_google_s_guesses_give_way_to_what_is_known(auto, cloud) -> None:
    """A classic build gets each name of the list, so guesses are few."""
    environment = cloud.environment("google-metadata")
    auto.get(environment, "europe-west1-docker.pkg.dev")
    assert listed(auto("list", environment=environment)) == {
        "europe-west1-docker.pkg.dev": "oauth2accesstoken"
    }


def test_a_list_without_any_identity_asks_nobody(auto, cloud) -> None:
    environment = cloud.environment("nothing")
    assert listed(auto("list", environment=environment)) == {}
    assert not cloud.calls


def test_keys_without_a_region_name_the_gallery_alone(auto, cloud) -> None:
    environment = cloud.environment("env-keys")
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        environment.pop(name, None)
    assert listed(auto("list", environment=environment)) == {PUBLIC: "AWS"}


def test_a_token_of_github_s_names_its_registry(auto, cloud) -> None:
    environment = cloud.environment("github-gh-token")
    user = json.loads(auto.get(environment, "ghcr.io").stdout)["Username"]
    assert listed(auto("list", environment=environment)) == {"ghcr.io": user}


def test_a_google_identity_names_the_registries_without_a_region(auto, cloud) -> None:
    environment = cloud.environment("google-metadata")
    found = listed(auto("list", environment=environment))
    assert set(found.values()) == {"oauth2accesstoken"}
    assert {"gcr.io", "europe-docker.pkg.dev"} <= set(found)
    assert cloud.calls["gce-metadata:token"] == 1
    for host, user in [*found.items()][:2]:
        assert json.loads(auto.get(environment, host).stdout)["Username"] == user


@pytest.mark.parametrize("user", ["_token", "_dcgcr_2_1_0_token"])
def test_the_user_is_the_one_that_get_answers(user, auto, cloud) -> None:
    environment = cloud.environment("google-metadata")
    environment["DOCKCRED_GOOGLE_USERNAME"] = user
    assert set(listed(auto("list", environment=environment)).values()) == {user}


NAMED = {
    "credHelpers": {"credHelpers": {"contoso.azurecr.io": "acr-login"}},
    "another of our names": {"credHelpers": {"contoso.azurecr.io": "auto"}},
    "a login that a store took": {"auths": {"contoso.azurecr.io": {}}},
}


@pytest.mark.parametrize("name", NAMED)
def test_docker_s_file_names_hosts(name, acr, cloud) -> None:
    environment = _docker_file(cloud.environment("azure-imds"), NAMED[name])
    assert listed(acr("list", environment=environment)) == {
        "contoso.azurecr.io": ACR_USER
    }


FOREIGN = {
    "another program's": {"credHelpers": {"contoso.azurecr.io": "acr-env"}},
    "a password": {"auths": {"contoso.azurecr.io": {"auth": "dTpw"}}},
    "no file of docker's": ["contoso.azurecr.io"],
}


@pytest.mark.parametrize("name", FOREIGN)
def test_docker_s_file_names_nothing_that_is_not_ours(name, acr, cloud) -> None:
    environment = _docker_file(cloud.environment("azure-imds"), FOREIGN[name])
    assert listed(acr("list", environment=environment)) == {}


def test_config_toml_names_hosts_and_aliases_but_no_patterns(auto, cloud) -> None:
    environment = configured(
        cloud.environment("env-keys"),
        f'[[registry]]\nmatch = "{OTHER}"\n'
        f'[[registry]]\nmatch = "mirror.example"\nregistry = "{HOST}"\n'
        '[[registry]]\nmatch = "*.dkr.ecr.us-east-1.amazonaws.com"\n'
        '[[registry]]\nmatch = "own.example"\n',
    )
    assert listed(auto("list", environment=environment)) == {
        **AWS,
        OTHER: "AWS",
        "mirror.example": "AWS",
    }
    assert cloud.calls[ECR_CALL] == 1


def test_what_was_answered_once_is_listed_once_it_has_ended(auto, cloud) -> None:
    environment = cloud.environment("env-keys")
    auto.get(environment, OTHER)
    entries.only(environment).unlink()
    assert listed(auto("list", environment=environment)) == {**AWS, OTHER: "AWS"}


def test_what_is_never_cached_is_remembered_too(auto, cloud) -> None:
    environment = cloud.environment("github-gh-token")
    assert auto.get(environment, "docker.pkg.github.com").password
    found = listed(auto("list", environment=environment))
    assert set(found) == {"docker.pkg.github.com", "ghcr.io"}


def test_the_record_holds_names_and_nothing_else(auto, cloud) -> None:
    environment = cloud.environment("env-keys")
    auto.get(environment, OTHER)
    (record,) = entries.directory(environment).glob("answered,*")
    assert (record.name, record.read_bytes()) == (f"answered,{OTHER}", b"")
    assert record.stat().st_mode & 0o777 == 0o600
    before = record.stat()
    entries.only(environment).unlink()
    auto.get(environment, OTHER)
    assert record.stat() == before, "written although the host is known"


def test_a_logout_forgets_the_host(auto, cloud) -> None:
    environment = cloud.environment("env-keys")
    auto.get(environment, OTHER)
    auto("erase", environment=environment, stdin=OTHER.encode())
    assert listed(auto("list", environment=environment)) == AWS


def test_a_cloud_that_refuses_spoils_no_other(auto, cloud) -> None:
    environment = {
        **cloud.environment("env-keys"),
        **cloud.environment("github-gh-token"),
    }
    cloud.fail("ecr:access-denied")
    assert set(listed(auto("list", environment=environment))) == {"ghcr.io"}


def test_a_cloud_that_hangs_spoils_no_other(auto, cloud) -> None:
    environment = {
        **cloud.environment("env-keys"),
        **cloud.environment("github-gh-token"),
        "DOCKCRED_TIMEOUT": "6",
    }
    cloud.fail("ecr:hang")
    answer = auto("list", environment=environment)
    assert set(listed(answer)) == {"ghcr.io"}
    assert answer.stderr == b""


def test_a_registry_that_refuses_says_nothing_of_another_of_azure_s(acr, cloud) -> None:
    environment = cloud.environment("azure-imds")
    assert acr.get(environment, "contoso.azurecr.io").password
    entries.only(environment, "acr").unlink()
    environment = configured(
        environment, '[[registry]]\nmatch = "fabrikam.azurecr.io"\n'
    )
    found = listed(acr("list", environment=environment))
    assert found["contoso.azurecr.io"] == ACR_USER


@pytest.fixture
def odd_helper(tmp_path: Path) -> Path:
    """Another helper; some of the keys that it lists are no servers."""
    program = tmp_path / "bin/docker-credential-odd"
    program.parent.mkdir()
    program.write_text(
        '#!/bin/sh\necho \'{"http:///x":"a","":"b","r io":"c","ok.io":"me"}\'\n'
    )
    program.chmod(0o755)
    return program


def test_a_key_that_is_no_server_spoils_nothing(auto, cloud, odd_helper) -> None:
    environment = {**cloud.environment("env-keys"), "DOCKCRED_STORE": "helper:odd"}
    environment["PATH"] = f"{odd_helper.parent}:/usr/bin:/bin"
    assert listed(auto("list", environment=environment)) == {**AWS, "ok.io": "me"}


def test_a_store_that_fails_spoils_nothing_and_is_told(auto, cloud, odd_helper) -> None:
    odd_helper.write_text("#!/bin/sh\necho it is locked\nexit 1\n")
    environment = {**cloud.environment("env-keys"), "DOCKCRED_STORE": "helper:odd"}
    environment["PATH"] = f"{odd_helper.parent}:/usr/bin:/bin"
    assert listed(auto("list", environment=environment)) == AWS
    alone = {
        **cloud.environment("nothing"),
        "DOCKCRED_STORE": "helper:odd",
        "PATH": environment["PATH"],
    }
    assert "it is locked" in auto("list", environment=alone).said


def test_a_place_that_fails_spoils_no_other_place(
    auto, cloud, vault, odd_helper
) -> None:
    environment = {**cloud.environment("nothing"), **vault}
    request = json.dumps({"ServerURL": "v.io", "Username": "me", "Secret": "s"})
    auto("store", environment=environment, stdin=request.encode())
    odd_helper.write_text("#!/bin/sh\nexit 1\n")
    environment["PATH"] = f"{odd_helper.parent}:/usr/bin:/bin"
    environment = configured(
        environment, '[[registry]]\nmatch = "o.io"\nstore = "helper:odd"\n'
    )
    assert listed(auto("list", environment=environment)) == {"v.io": "me"}


def test_dockcred_list_does_not_tell_an_absent_keychain_as_an_empty_one(
    helper_bin, cloud
) -> None:
    dockcred = Program(str(helper_bin / "dockcred"))
    done = dockcred("list", environment=cloud.environment("nothing"))
    assert done.status == 1
    assert b"no keychain" in done.stdout + done.stderr
    assert b"nothing is cached" not in done.stdout
    done = dockcred("list", environment=cloud.environment("env-keys"))
    assert done.status == 0
    assert HOST.encode() in done.stdout
    assert b"no keychain" in done.stderr


DOCKER_PY = """
import json
from docker.auth import load_config
print(json.dumps(load_config().get_all_credentials()))
"""


@pytest.mark.parametrize("store", ["auto", "ecr-login"])
def test_docker_py_sends_a_build_the_account_s_login(
    store, cloud, helper_bin, tmp_path
) -> None:
    pytest.importorskip("docker")
    environment = _docker_file(cloud.environment("env-keys"), {"credsStore": store})
    environment["PATH"] = f"{helper_bin}:/usr/bin:/bin"
    done = subprocess.run(
        [sys.executable, "-I", "-c", DOCKER_PY],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        check=True,
        timeout=BUSY_S,
    )
    sent = json.loads(done.stdout)[HOST]
    assert sent["Username"] == "AWS"
    assert cloud.minted(sent["Password"])
