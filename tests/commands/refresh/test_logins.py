"""The credentials of one process: each is minted once, and is kept in an outage."""

from __future__ import annotations

import time

import pytest
from support.program import HOST, wait_until

from dockcred import credential
from dockcred.api.resolve import Policy
from dockcred.commands.refresh.target import Logins
from dockcred.errors import IssueError
from dockcred.testing.sandbox import Sandbox

LIFE_S = 6
OURS = Policy()


@pytest.fixture
def cloud(monkeypatch):
    with Sandbox(expires_s=LIFE_S) as sandbox:
        for name, value in sandbox.environment().items():
            monkeypatch.setenv(name, value)
        yield sandbox


def until_past_half(login) -> None:
    half = login.credential.issued_at + LIFE_S / 2
    wait_until(lambda: time.time() > half)


def test_a_second_target_gets_the_same_without_a_call(cloud):
    logins = Logins()
    (first,) = logins.fresh([HOST], OURS)
    calls = cloud.calls.total()
    (second,) = logins.fresh([HOST], OURS)
    assert second is first
    assert cloud.calls.total() == calls


def test_what_is_past_its_half_is_minted_anew_though_it_is_cached(cloud):
    logins = Logins()
    (old,) = logins.fresh([HOST], OURS)
    until_past_half(old)
    (new,) = logins.fresh([HOST], OURS)
    assert credential.age(new.credential, time.time()) == credential.FRESH
    assert new.credential.secret != old.credential.secret
    assert logins.trouble is None


def test_a_process_that_starts_in_an_outage_has_what_is_cached(cloud):
    """The cached credential is still valid; `trouble` says that renewal failed."""
    (cached,) = Logins().fresh([HOST], OURS)
    until_past_half(cached)
    cloud.fail("access-denied")
    logins = Logins()
    (found,) = logins.fresh([HOST], OURS)
    assert found.credential.secret == cached.credential.secret
    assert HOST in str(logins.trouble)


def test_without_anything_the_cause_is_raised(cloud):
    cloud.fail("access-denied")
    with pytest.raises(IssueError, match=HOST):
        Logins().fresh([HOST], OURS)
