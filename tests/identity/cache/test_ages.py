"""A cached password's four ages: answered, refreshed behind, renewed first, expired."""

from __future__ import annotations

import time

import pytest
from support import entries
from support.program import HOST, wait_until

from dockcred.testing.sandbox import Sandbox

ECR_CALL = "ecr:GetAuthorizationToken"


def test_a_fresh_password_is_answered_without_a_call(ecr, cloud):
    environment = cloud.environment()
    first = ecr.get(environment).password
    entries.age_to(entries.only(environment), 0.49)
    cloud.reset()
    assert ecr.get(environment).password == first
    assert cloud.calls.total() == 0


def test_an_aging_password_is_answered_at_once_and_refreshed_behind(ecr, cloud):
    environment = cloud.environment()
    first = ecr.get(environment).password
    entries.age_to(entries.only(environment), 0.51)
    assert ecr.get(environment).password == first
    wait_until(
        lambda: entries.read(entries.only(environment)).credential.secret != first
    )
    cloud.reset()
    assert ecr.get(environment).password != first
    assert cloud.calls.total() == 0


def test_in_its_last_quarter_a_password_is_renewed_before_the_answer(ecr, cloud):
    environment = cloud.environment()
    first = ecr.get(environment).password
    entries.age_to(entries.only(environment), 0.76)
    assert ecr.get(environment).password != first
    assert cloud.calls[ECR_CALL] == 2


def test_in_its_last_quarter_the_old_password_stands_in_for_a_failure(ecr, cloud):
    environment = cloud.environment()
    first = ecr.get(environment).password
    cloud.fail("ecr:garbage")
    path = entries.only(environment)
    life = entries.read(path).credential.expires_at - time.time()
    entries.shift(path, life - 75)  # more than 60 s remain
    answer = ecr.get(environment)
    assert (answer.password, answer.stderr) == (first, b"")


def test_in_its_last_minute_a_password_is_not_answered(ecr, cloud):
    """The password could expire while the client uses it."""
    environment = cloud.environment()
    first = ecr.get(environment).password
    cloud.fail("ecr:garbage")
    path = entries.only(environment)
    life = entries.read(path).credential.expires_at - time.time()
    entries.shift(path, life - 55)
    answer = ecr.get(environment)
    assert answer.status == 1
    assert first.encode() not in answer.stdout


@pytest.mark.parametrize("share", [1.0, 1.1, 50])
def test_after_its_end_a_password_is_never_answered(share, ecr, cloud):
    environment = cloud.environment()
    first = ecr.get(environment).password
    entries.age_to(entries.only(environment), share)
    cloud.fail("ecr:access-denied")
    answer = ecr.get(environment)
    assert "AWS denies" in answer.said
    cloud.recover()
    assert ecr.get(environment).password != first


def test_a_short_lived_password_is_answered_until_its_end_and_not_a_second_longer(
    ecr,
):
    """Gets without a pause, with the cloud down, until the password has expired."""
    with Sandbox(tls=True, expires_s=4) as cloud:
        environment = cloud.environment() | {"DOCKCRED_REFRESH": "off"}
        password = ecr.get(environment).password
        ends = cloud.minted(password).expires_at
        cloud.fail("ecr:access-denied")
        answered_last = 0.0
        while (now := time.time()) < ends + 0.5:
            answer = ecr.get(environment)
            if answer.status == 0:
                assert answer.password == password
                assert now < ends
                answered_last = now
        assert ends - 1.6 < answered_last < ends


def test_a_clock_set_back_is_a_miss_and_not_a_longer_life(ecr, cloud):
    """The age of an entry from the future is unknown."""
    environment = cloud.environment()
    first = ecr.get(environment).password
    entries.shift(entries.only(environment), -3600)
    assert ecr.get(environment).password != first
    assert cloud.calls[ECR_CALL] == 2


def test_life_is_counted_from_our_receipt_where_the_clouds_clock_is_ahead(ecr):
    """AWS's clock may be an hour ahead, so a lifetime is at most twelve hours."""
    with Sandbox(tls=True, expires_s=13 * 3600) as cloud:
        environment = cloud.environment()
        ecr.get(environment)
        credential = entries.read(entries.only(environment)).credential
        assert credential.expires_at - credential.issued_at <= 12 * 3600


def test_list_shows_what_a_get_answers_from_the_cache_and_nothing_older(ecr, cloud):
    environment = cloud.environment()
    ecr.get(environment)

    def listed():
        return ecr("list", environment=environment).stdout

    assert HOST.encode() in listed()
    entries.age_to(entries.only(environment), 0.6)
    assert HOST.encode() in listed()
    entries.age_to(entries.only(environment), 0.3)
    cloud.fail("ecr:access-denied")
    assert listed() == b"{}\n"


def test_list_shows_the_entries_of_the_identity_that_a_get_would_use(ecr, cloud):
    """Another identity's entry would make docker's get of a listed key mint or fail."""
    environment = cloud.environment()
    ecr.get(environment)
    other = environment | {"AWS_ACCESS_KEY_ID": "AKIAOTHER"}
    assert ecr("list", environment=other).stdout == b"{}\n"


def test_erase_drops_every_identity_s_entry_of_the_host_and_of_no_other(ecr, cloud):
    environment = cloud.environment()
    shared = {"DOCKCRED_CACHE_DIR": environment["DOCKCRED_CACHE_DIR"]}
    neighbour = HOST.replace("123456789012", "123456789013")
    ecr.get(environment)
    ecr.get(environment, neighbour)
    ecr.get(cloud.environment("assume-role") | shared)
    assert len(entries.paths(environment)) == 3
    answer = ecr("erase", environment=environment, stdin=f"https://{HOST}".encode())
    assert (answer.status, answer.stdout, answer.stderr) == (0, b"", b"")
    assert neighbour in entries.only(environment).name
