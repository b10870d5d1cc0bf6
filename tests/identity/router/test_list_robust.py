"""`list` with problems: in answers, in settings, on the machine."""

from __future__ import annotations

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.listed import AWS, ECR_CALL, OTHER, configured, listed
from support.program import BUSY_S, HOST, LONG_S, PUBLIC, wait_until

GHE = "ghe.example.com"


def logged_in(environment, *logins: tuple[str, str]) -> dict[str, str]:
    """Write gh's hosts.yml with a user for each server; return variables for it."""
    directory = Path(environment["HOME"], "gh")
    directory.mkdir(exist_ok=True)
    text = "".join(
        f"{server}:\n    user: {user}\n    oauth_token: ghp_{user}\n"
        for server, user in logins
    )
    (directory / "hosts.yml").write_text(text)
    return {
        **environment,
        "GH_CONFIG_DIR": str(directory),
        "DOCKCRED_GITHUB_HOSTS": GHE,
    }


def test_each_github_has_a_user_of_its_own(auto, cloud) -> None:
    environment = cloud.environment("github-gh-token")
    environment = logged_in(environment, (GHE, "bob"), ("github.com", "alice"))
    found = listed(auto("list", environment=environment))
    assert found == {"ghcr.io": "x-access-token", f"containers.{GHE}": "bob"}
    environment["GITHUB_ACTOR"] = "actor"
    found = listed(auto("list", environment=environment))
    assert found == {"ghcr.io": "actor", f"containers.{GHE}": "bob"}


def test_a_token_that_one_github_refuses_says_nothing_of_another(auto, cloud) -> None:
    environment = cloud.environment("github-gh-token") | {"GH_TOKEN": "ghp_revoked"}
    environment = logged_in(environment, (GHE, "bob"))
    assert listed(auto("list", environment=environment)) == {f"containers.{GHE}": "bob"}


def test_each_entry_s_user_is_the_one_that_it_names(auto, cloud) -> None:
    environment = configured(
        cloud.environment("ci-variable"),
        "".join(
            f'[[registry]]\nmatch = "{name}.example.com"\nidentity = "oidc"\n'
            f'token_username = "{name}"\n'
            for name in ("one", "two")
        ),
    )
    environment.pop("DOCKCRED_OIDC_HOSTS", None)
    found = listed(auto("list", environment=environment))
    assert found == {"one.example.com": "one", "two.example.com": "two"}
    for host, user in found.items():
        assert json.loads(auto.get(environment, host).stdout)["Username"] == user


def test_a_host_that_was_asked_for_in_vain_is_not_listed(auto, cloud) -> None:
    """A classic build gets each name of a list, and fails if one get fails."""
    environment = cloud.environment("env-keys")
    cloud.fail("ecr:access-denied")
    assert auto.get(environment, OTHER).status == 1
    cloud.recover()
    assert listed(auto("list", environment=environment)) == AWS


def test_an_account_whose_answer_is_cached_hides_no_other(auto, cloud) -> None:
    """The cached answer of a second account does not hide the user's own account."""
    environment = configured(
        cloud.environment("env-keys"),
        f'[[registry]]\nmatch = "{OTHER}"\nrole_arn = "{_role(cloud)}"\n',
    )
    assert auto.get(environment, OTHER).password
    cloud.reset()
    assert listed(auto("list", environment=environment)) == AWS | {OTHER: "AWS"}
    assert cloud.calls[ECR_CALL] == 1
    auto.get(environment, HOST)
    cloud.reset()
    assert listed(auto("list", environment=environment)) == AWS | {OTHER: "AWS"}
    assert not cloud.calls


def _role(cloud) -> str:
    from dockcred.testing.sandbox.aws.principals import Role

    trusts = "arn:aws:iam::123456789012:user/env-keys"
    return cloud.aws.add_role(Role("210987654321", "other", trusts=trusts)).arn


def test_two_accounts_that_nobody_has_asked_take_one_request(auto, cloud) -> None:
    environment = configured(
        cloud.environment("env-keys"),
        f'[[registry]]\nmatch = "{OTHER}"\nrole_arn = "{_role(cloud)}"\n',
    )
    assert listed(auto("list", environment=environment)) == AWS | {OTHER: "AWS"}
    assert cloud.calls == {ECR_CALL: 1}


def test_a_registry_that_a_pattern_gives_to_another_identity(auto, cloud) -> None:
    """The keys would name their own registry, but a `get` for it would not use them."""
    environment = configured(
        cloud.environment("env-keys"),
        '[[registry]]\nmatch = "*.dkr.ecr.eu-west-1.amazonaws.com"\n'
        'identity = "oidc"\n',
    )
    assert auto.get(environment, HOST).status == 1
    assert listed(auto("list", environment=environment)) == {PUBLIC: "AWS"}


def test_a_private_registry_of_azure_s_that_only_config_toml_names(acr, cloud) -> None:
    environment = configured(
        cloud.environment("azure-imds"),
        '[[registry]]\nmatch = "contoso.azurecr.io"\n'
        '[[registry]]\nmatch = "fabrikam.azurecr.io"\n',
    )
    assert set(listed(acr("list", environment=environment))) == {
        "contoso.azurecr.io",
        "fabrikam.azurecr.io",
    }
    assert cloud.calls["acr:exchange"] == 1


@pytest.mark.parametrize(
    "broken",
    [
        {"DOCKCRED_GOOGLE_HOSTS": "*"},
        {"DOCKCRED_GITHUB_HOSTS": "x"},
        {"GITHUB_APP_ID": "1"},
        {"GOOGLE_APPLICATION_CREDENTIALS": "/nowhere"},
    ],
    ids=lambda variables: next(iter(variables)),
)
def test_a_setting_of_one_provider_s_that_is_wrong_spoils_no_other(
    broken, auto, cloud
) -> None:
    environment = cloud.environment("env-keys") | broken
    assert set(AWS) <= set(listed(auto("list", environment=environment)))


def test_clouds_are_asked_while_a_keychain_hangs(auto, cloud, tmp_path) -> None:
    """The keychain uses all time but the call's last second; the cloud needs more."""
    program = tmp_path / "docker-credential-odd"
    program.write_text(f"#!/bin/sh\nsleep {LONG_S}\n")
    program.chmod(0o755)
    environment = cloud.environment("env-keys") | {
        "DOCKCRED_STORE": "helper:odd",
        "PATH": f"{tmp_path}:/usr/bin:/bin",
    }
    cloud.fail("ecr:slow")
    assert listed(auto("list", environment=environment)) == AWS


@pytest.mark.parametrize(
    "place",
    [
        {"DOCKCRED_CACHE_DIR": "/dev/null/x"},
        {"DOCKCRED_CACHE_DIR": "/proc/self/x"},
        {"DOCKCRED_CACHE_DIR": "", "HOME": ""},
        {"DOCKCRED_CACHE_DIR": "", "HOME": "/dev/null"},
    ],
    ids=str,
)
def test_a_list_needs_no_cache_and_no_home(place, auto, cloud) -> None:
    environment = cloud.environment("env-keys") | place
    answer = auto("list", environment=environment)
    assert (listed(answer), answer.stderr) == (AWS, b"")


def test_two_lists_at_once_agree(auto, cloud) -> None:
    environment = cloud.environment("env-keys")
    with ThreadPoolExecutor(2) as pool:
        answers = pool.map(lambda _: auto("list", environment=environment), range(2))
        assert [listed(answer) for answer in answers] == [AWS, AWS]


def test_a_pipe_in_the_place_of_config_json_is_not_waited_for(auto, cloud) -> None:
    environment = cloud.environment("env-keys")
    (directory := Path(environment["HOME"], ".docker")).mkdir()
    os.mkfifo(directory / "config.json")
    assert listed(auto("list", environment=environment)) == AWS


def test_no_log_of_a_list_holds_a_secret(auto, cloud) -> None:
    environment = {
        **cloud.environment("github-invalid-token"),
        **cloud.environment("env-keys"),
        "DOCKCRED_LOG": "debug",
    }
    answer = auto("list", environment=environment)
    assert b"left out" in answer.stderr
    said = (answer.stdout + answer.stderr).decode()
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "GH_TOKEN"):
        assert environment[name] not in said
    assert auto.get(environment, HOST).password not in said


def _of(home: str) -> set[int]:
    """Return the pids of running processes with this HOME."""
    found = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            variables = Path("/proc", pid, "environ").read_bytes().split(b"\0")
            state = Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if f"HOME={home}".encode() in variables and state != "Z":
            found.add(int(pid))
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("identity", ["env-keys", "credential-process"])
def test_a_list_that_is_ended_leaves_nobody_behind(
    number: signal.Signals, identity: str, auto, cloud
) -> None:
    # Without a signal they would run longer than the test waits.
    environment = cloud.environment(identity) | {"DOCKCRED_TIMEOUT": f"{LONG_S}"}
    home = environment["HOME"]
    script = Path(home, "credential-process")
    if script.exists():
        script.write_text(f"#!/bin/sh\nsleep {LONG_S}\n")
    cloud.fail("ecr:hang")
    running = auto.start("list", environment=environment, process_group=0)
    many = 3 if script.exists() else 2
    wait_until(lambda: len(_of(home)) >= many)
    if number == signal.SIGINT:
        os.killpg(running.pid, number)  # a terminal sends it to the whole process group
    else:
        running.send_signal(number)
    stdout, stderr = running.communicate(timeout=BUSY_S)
    assert running.returncode != 0
    assert b"Traceback" not in stdout + stderr
    wait_until(lambda: not _of(home))


def test_a_list_that_has_ended_leaves_nobody_behind(auto, cloud) -> None:
    environment = cloud.environment("env-keys") | {"DOCKCRED_TIMEOUT": "2"}
    cloud.fail("ecr:hang")
    assert auto("list", environment=environment).status == 0
    wait_until(lambda: not _of(environment["HOME"]))


def test_a_client_that_goes_away_leaves_nobody_behind(auto, cloud) -> None:
    environment = cloud.environment("env-keys")
    cloud.fail("ecr:slow")
    running = auto.start("list", environment=environment)
    running.stdout.close()
    running.stdout = None
    _, stderr = running.communicate(timeout=BUSY_S)
    assert (running.returncode, stderr) == (1, b"")
    wait_until(lambda: not _of(environment["HOME"]))
