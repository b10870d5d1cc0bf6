"""The cloud is asked once, however many gets run."""

from __future__ import annotations

import pytest
from support import entries
from support.differential import meant
from support.program import HOST

from dockcred.testing.sandbox import Sandbox

ECR_CALL = "ecr:GetAuthorizationToken"
MINTED = {
    "assume-role": {"sts:AssumeRole": 1},
    "sso": {"sso:GetRoleCredentials": 1},
    "web-identity": {"sts:AssumeRoleWithWebIdentity": 1},
    "instance-profile": {"imds:token": 1, "imds:role": 1, "imds:credentials": 1},
    "pod-identity": {"container:credentials": 1},
    "credential-process": {},
    "shared-credentials": {},
}


@pytest.mark.parametrize("identity", MINTED)
def test_ten_gets_are_one_mint(identity, ecr, cloud):
    """Neither the identity's service nor the registry is asked a second time."""
    environment = cloud.environment(identity)
    passwords = {ecr.get(environment).password for _ in range(10)}
    calls = {k: v for k, v in cloud.calls.items() if not k.startswith("proxy:")}
    assert len(passwords) == 1
    assert calls == MINTED[identity] | {ECR_CALL: 1}


@pytest.mark.parametrize("identity, callers", [("env-keys", 50), ("assume-role", 10)])
def test_many_at_the_same_time_are_one_mint(identity, callers, ecr):
    with Sandbox(tls=True, latency_ms=100) as cloud:
        answers = ecr.get_together(cloud.environment(identity), [HOST] * callers)
        assert len({answer.password for answer in answers}) == 1
        assert cloud.calls[ECR_CALL] == 1


def test_twenty_accounts_at_the_same_time_are_twenty_entries(ecr, cloud):
    """No entry is lost: each account then answers from the cache."""
    environment = cloud.environment()
    hosts = [HOST.replace("1234567890", f"22223333{n:02}") for n in range(20)]
    answers = ecr.get_together(environment, hosts)
    accounts = {cloud.minted(answer.password).account for answer in answers}
    assert len(accounts) == 20
    assert len(entries.paths(environment)) == 20
    cloud.reset()
    for host, answer in zip(hosts, answers, strict=True):
        assert ecr.get(environment, host).password == answer.password
    assert cloud.calls.total() == 0


def test_two_identities_in_turn_both_hit_and_neither_gets_the_others(ecr, cloud):
    """One home and cache for both, as two profiles of one person."""
    shared = {"DOCKCRED_CACHE_DIR": str(cloud.home / "cache")}
    identities = {
        name: cloud.environment(name) | shared
        for name in ("env-keys", "profile", "sso")
    }
    first = {name: ecr.get(env).password for name, env in identities.items()}
    cloud.reset()
    for _ in range(3):
        for name, environment in identities.items():
            password = ecr.get(environment).password
            assert password == first[name]
            assert name in cloud.minted(password).principal
    assert cloud.calls.total() == 0


def test_two_profiles_of_one_file_do_not_mix(ecr, cloud):
    environment = cloud.environment("role-chain")
    last = ecr.get(environment).password
    middle = ecr.get(environment | {"AWS_PROFILE": "middle"}).password
    assert "/role-chain/" in cloud.minted(last).principal
    assert "/role-chain-middle/" in cloud.minted(middle).principal
    assert ecr.get(environment).password == last


def test_a_failure_is_met_once_and_told_to_all_who_waited(ecr):
    with Sandbox(tls=True, latency_ms=1500, fail=["ecr:access-denied"]) as cloud:
        answers = ecr.get_together(cloud.environment(), [HOST] * 8)
        assert len({answer.said for answer in answers}) == 1
        assert cloud.calls[ECR_CALL] == 1


def test_a_failure_is_not_remembered_for_who_comes_later(ecr, cloud):
    """After the policy is fixed, the earlier failure is not told again."""
    environment = cloud.environment()
    cloud.fail("ecr:access-denied:1")
    assert ecr.get(environment).status == 1
    assert ecr.get(environment).status == 0


@pytest.mark.parametrize("road", ["direct", "sdk"])
def test_throttled_once_or_twice_is_tried_again_within_the_time(road, ecr, cloud):
    cloud.fail("ecr:throttle:2")
    answer = ecr.get(cloud.environment() | {"DOCKCRED_ROAD": road})
    assert cloud.minted(answer.password)
    assert cloud.calls["ecr:refused"] == 2


@pytest.mark.parametrize("asked", [1, 2])
def test_how_often_botocore_asks_is_a_person_s_to_say(ecr, cloud, asked):
    environment = cloud.environment("env-keys") | {"DOCKCRED_ROAD": "sdk"}
    cloud.fail("ecr:503")
    answer = ecr.get(environment | {"AWS_MAX_ATTEMPTS": str(asked)})
    assert answer.status == 1
    assert cloud.calls["ecr:GetAuthorizationToken"] == asked


def test_the_direct_road_asks_as_its_time_allows_whatever_is_said(ecr, cloud):
    assert meant("attempts-of-the-direct-road")
    environment = cloud.environment("env-keys") | {"DOCKCRED_ROAD": "direct"}
    cloud.fail("ecr:503")
    answer = ecr.get(environment | {"AWS_MAX_ATTEMPTS": "1"})
    assert answer.status == 1
    assert cloud.calls["ecr:GetAuthorizationToken"] > 1
