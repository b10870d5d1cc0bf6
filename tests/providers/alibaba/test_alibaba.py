"""docker-credential-acr-helper against Alibaba Cloud in the sandbox."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from support.program import NOT_FOUND, Program

from dockcred.testing.sandbox.alibaba import (
    ACCOUNT,
    ENTERPRISE,
    IDENTITIES,
    PERSONAL,
    REGION,
)
from dockcred.testing.sandbox.home import write_private

EXCLUSIVE = f"crpi-5xaxq6dpq8nzd1ws.{REGION}.personal.cr.aliyuncs.com"
TOKEN = "alibaba-cr:GetAuthorizationToken"
LIST = "alibaba-cr:ListInstance"
SOMEBODY = sorted(set(IDENTITIES) - {"alibaba-nobody"})
OF_FILES = {"alibaba-cli", "alibaba-cli-role", "alibaba-file"}


@pytest.fixture(autouse=True)
def library(request) -> None:
    """Skip profiles of files without Alibaba's library; the direct road needs none."""
    found = getattr(request.node, "callspec", None)
    if found and found.params.get("identity") in OF_FILES:
        pytest.importorskip("alibabacloud_credentials")


def opened(cloud, answer, host) -> bool:
    """Return whether the sandbox's registry at that host accepts the answer."""
    fields = json.loads(answer.stdout)
    return cloud._exchange._admits(fields["Username"], fields["Secret"], host)


@pytest.mark.parametrize("identity", SOMEBODY)
@pytest.mark.parametrize("host", [PERSONAL, ENTERPRISE])
def test_every_identity_opens_both_kinds_of_registry(
    identity, host, program, cloud
) -> None:
    environment = cloud.environment(identity)
    first = program.get(environment, host)
    assert first.password
    assert first.stderr == b""
    assert opened(cloud, first, host)
    other = ENTERPRISE if host == PERSONAL else PERSONAL
    assert not opened(cloud, first, other)
    assert program.get(environment, host).password == first.password
    assert cloud.calls[TOKEN] == 1


@pytest.mark.parametrize("host", [EXCLUSIVE, f"registry-vpc.{REGION}.aliyuncs.com"])
def test_further_names_of_a_personal_registry_are_served(host, program, cloud) -> None:
    environment = cloud.environment("alibaba-env-keys")
    assert opened(cloud, program.get(environment, host), host)


def test_fifty_cold_gets_make_one_call(program, cloud) -> None:
    environment = cloud.environment("alibaba-env-keys")
    answers = program.get_together(environment, [ENTERPRISE] * 50)
    assert len({answer.password for answer in answers}) == 1
    assert (cloud.calls[TOKEN], cloud.calls[LIST]) == (1, 1)


def test_an_instance_that_is_said_is_not_looked_for(program, cloud) -> None:
    environment = cloud.environment("alibaba-env-keys")
    environment["DOCKER_CREDENTIAL_ACR_HELPER_INSTANCE_ID"] = "cri-acme00000000001"
    assert opened(cloud, program.get(environment, ENTERPRISE), ENTERPRISE)
    assert cloud.calls[LIST] == 0


def test_the_password_ends_with_the_keys_of_a_session(program, cloud, alibaba) -> None:
    alibaba.life_s = 11 * 3600.0
    environment = cloud.environment("alibaba-session-keys")
    minted = cloud.minted(program.get(environment, PERSONAL).password)
    assert minted.expires_at - time.time() < 3600


def test_another_region_s_instance_of_the_name_is_another(program, cloud) -> None:
    environment = cloud.environment("alibaba-env-keys")
    host = "acme-registry.cn-beijing.cr.aliyuncs.com"
    answer = program.get(environment, host)
    assert opened(cloud, answer, host)
    assert not opened(cloud, answer, ENTERPRISE)


def test_another_account_s_instance_is_told_with_cause_and_remedy(
    program, cloud
) -> None:
    environment = cloud.environment("alibaba-env-keys")
    environment["DOCKCRED_ANONYMOUS"] = "false"
    host = f"globex-registry.{REGION}.cr.aliyuncs.com"
    said = program.get(environment, host).said
    assert said.startswith(f"Alibaba Cloud shows no instance globex in {REGION}; ")
    environment["DOCKER_CREDENTIAL_ACR_HELPER_INSTANCE_ID"] = "cri-globex000000001"
    said = program.get(environment, host).said
    assert said.startswith("Alibaba Cloud denies cr:GetAuthorizationToken; ")


def test_half_an_identity_is_an_error(program, cloud) -> None:
    for left in ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"):
        environment = cloud.environment("alibaba-env-keys")
        del environment[left]
        said = program.get(environment, PERSONAL).said
        assert said.endswith(f" is set and {left} is not; set both, or neither")


def test_nobody_goes_on_anonymously_where_that_may_be(program, cloud) -> None:
    environment = cloud.environment("alibaba-nobody")
    assert program.get(environment, PERSONAL).stdout == NOT_FOUND
    said = program.get(environment, EXCLUSIVE).said
    assert said.startswith("no Alibaba Cloud identity was found in variables and profi")


def test_a_wrong_secret_is_seen_by_the_cloud(program, cloud) -> None:
    environment = cloud.environment("alibaba-env-keys")
    environment |= {"DOCKCRED_ANONYMOUS": "false"}
    environment["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] += "x"
    said = program.get(environment, PERSONAL).said
    assert said.startswith("Alibaba Cloud finds the signature wrong; ")


def test_a_clock_that_differs_is_told_by_how_much(program, cloud) -> None:
    environment = cloud.environment("alibaba-env-keys")
    environment |= {"DOCKCRED_ANONYMOUS": "false"}
    cloud.fail("alibaba-cr:clock-skew")
    said = program.get(environment, PERSONAL).said
    assert said == (
        "this machine's clock is 60 min behind Alibaba Cloud's; set the clock (NTP)"
    )


@pytest.mark.parametrize(
    "failure, cause",
    [
        ("access-denied", "Alibaba Cloud denies cr:GetAuthorizationToken"),
        ("expired-token", "the session of Alibaba Cloud's keys has expired"),
        ("throttle", "Alibaba Cloud throttles cr:GetAuthorizationToken"),
        ("server-error", "cr:GetAuthorizationToken failed at Alibaba Cloud (Internal"),
        ("wrong-shape", f"cr.{REGION}.aliyuncs.com did not answer as Alibaba Cloud"),
        ("page", f"cr.{REGION}.aliyuncs.com did not answer as Alibaba Cloud does"),
    ],
)
def test_a_failure_is_one_line_with_its_cause(failure, cause, program, cloud) -> None:
    environment = cloud.environment("alibaba-env-keys")
    environment |= {"DOCKCRED_ANONYMOUS": "false", "DOCKCRED_TIMEOUT": "3"}
    cloud.fail(f"alibaba-cr:{failure}")
    assert program.get(environment, PERSONAL).said.startswith(cause)


def test_a_pod_whose_role_does_not_trust_it_is_told(program, cloud, alibaba) -> None:
    environment = cloud.environment("alibaba-rrsa") | {"DOCKCRED_ANONYMOUS": "false"}
    alibaba.roles = dict.fromkeys(alibaba.roles, "system:serviceaccount:x:y")
    said = program.get(environment, PERSONAL).said
    assert said.startswith("Alibaba Cloud denies sts:AssumeRoleWithOIDC; allow the tok")


def test_a_machine_without_a_role_is_nobody(program, cloud, alibaba) -> None:
    environment = cloud.environment("alibaba-ecs-role")
    alibaba.role = ""
    assert program.get(environment, PERSONAL).stdout == NOT_FOUND
    environment |= {"DOCKCRED_ANONYMOUS": "false"}
    said = program.get(environment, PERSONAL).said
    assert said.startswith("this ECS instance has no RAM role; ")


def test_the_uri_is_asked_behind_the_machine_as_the_library_does(
    program, cloud, alibaba
) -> None:
    environment = cloud.environment("alibaba-uri")
    del environment["ALIBABA_CLOUD_ECS_METADATA_DISABLED"]
    environment |= cloud.environment("alibaba-ecs-role") | environment
    minted = cloud.minted(program.get(environment, PERSONAL).password)
    assert "assumed-role/ecs-registry/" in minted.principal
    alibaba.role = ""
    minted = cloud.minted(program.get(environment, ENTERPRISE).password)
    assert "assumed-role/sidecar/" in minted.principal


def test_a_uri_in_clear_that_is_not_near_is_refused(program, cloud) -> None:
    environment = cloud.environment("alibaba-uri")
    environment["ALIBABA_CLOUD_CREDENTIALS_URI"] = "http://keys.example/here"
    said = program.get(environment, PERSONAL).said
    assert said.startswith("plain http to keys.example is refused")


def test_a_profile_that_is_in_no_file_is_an_error(program, cloud) -> None:
    environment = cloud.environment("alibaba-cli")
    environment["ALIBABA_CLOUD_PROFILE"] = "wrok"
    said = program.get(environment, PERSONAL).said
    assert said.startswith("the Alibaba Cloud profile wrok does not exist; ")


@pytest.mark.parametrize(
    "failure, cause",
    [
        ("refuse", "STS of Alibaba Cloud was not reached for the profile work; "),
        ("access-denied", "Alibaba Cloud denies sts:AssumeRole; "),
        ("wrong-shape", "alibabacloud-credentials has no keys of the profile work ("),
    ],
)
def test_a_profile_that_fails_is_one_line(failure, cause, program, cloud) -> None:
    pytest.importorskip("alibabacloud_credentials")
    environment = cloud.environment("alibaba-cli-role")
    environment["DOCKCRED_ANONYMOUS"] = "false"
    cloud.fail(f"alibaba-sts:{failure}")
    assert program.get(environment, PERSONAL).said.startswith(cause)


def test_status_says_who_answers_as_alibaba_calls_them(helper_bin, cloud) -> None:
    environment = cloud.environment("alibaba-cli") | {"COLUMNS": "200"}
    dockcred = Program(str(helper_bin / "dockcred"))
    pytest.importorskip("alibabacloud_credentials")
    answer = dockcred("status", ENTERPRISE, "--ask", environment=environment)
    shown = answer.stdout.decode()
    assert f"instance acme, region {REGION}" in shown
    assert f"acs:ram::{ACCOUNT}:user/builder" in shown


def test_setup_and_doctor_know_a_profile_of_the_cli(helper_bin, cloud) -> None:
    environment = cloud.environment("alibaba-cli") | {"COLUMNS": "200"}
    dockcred = Program(str(helper_bin / "dockcred"))
    shown = dockcred("setup", "--dry-run", environment=environment).stdout.decode()
    assert "profiles of Alibaba Cloud's CLI: work" in shown
    shown = dockcred("doctor", ENTERPRISE, environment=environment).stdout.decode()
    assert "alibaba:profile" in shown


def test_a_profile_s_program_is_given_no_secret(program, cloud, alibaba) -> None:
    pytest.importorskip("alibabacloud_credentials")
    environment = cloud.environment("alibaba-cli") | {"GH_TOKEN": "not-for-a-child"}
    home = Path(environment["HOME"])
    key = alibaba.gate.temporary(ACCOUNT, "outside", "sandbox", time.time() + 3600)
    said = {"mode": "StsToken", "access_key_id": key.access_key_id}
    said |= {"access_key_secret": key.secret, "sts_token": key.token}
    given = home / "given"
    script = f"#!/bin/sh\nenv >{given}\ncat <<'KEY'\n{json.dumps(said)}\nKEY\n"
    process = write_private(home / "process", script.encode(), 0o700)
    row = {"name": "work", "mode": "External", "process_command": str(process)}
    content = json.dumps({"current": "work", "profiles": [row]})
    (home / ".aliyun/config.json").write_text(content)
    minted = cloud.minted(program.get(environment, PERSONAL).password)
    assert "assumed-role/outside/" in minted.principal
    assert "not-for-a-child" not in given.read_text()
    assert "PATH=" in given.read_text()


def test_kubelet_pulls_as_the_node_s_role(helper_bin, cloud) -> None:
    environment = cloud.environment("alibaba-ecs-role")
    plugin = Program(str(helper_bin / "dockcred-credential-provider"))
    asked = {
        "kind": "CredentialProviderRequest",
        "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
        "image": f"{ENTERPRISE}/team/app:1",
    }
    answer = plugin(environment=environment, stdin=json.dumps(asked).encode())
    assert answer.status == 0, answer
    (found,) = json.loads(answer.stdout)["auth"].values()
    minted = cloud.minted(found["password"])
    assert "assumed-role/ecs-registry/" in minted.principal


def test_no_secret_is_shown_by_the_log(program, cloud) -> None:
    for identity in ("alibaba-env-keys", "alibaba-rrsa", "alibaba-ecs-role"):
        environment = cloud.environment(identity) | {"DOCKCRED_LOG": "debug"}
        answer = program.get(environment, ENTERPRISE)
        shown = answer.stderr.decode()
        assert answer.password not in shown
        assert shown
        secrets = [environment.get("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "-" * 9)]
        secrets += [key.secret for key in cloud_keys(cloud)]
        assert not [secret for secret in secrets if secret in shown]


def cloud_keys(cloud):
    (found,) = (each for each in cloud._clouds if hasattr(each, "gate"))
    return found.gate._keys.values()
