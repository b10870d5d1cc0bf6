"""Turns: a throttled node draws a random time, its turn, and does not ask before it.

The plugin runs as kubelet starts it; the tests read and change the turn's file.
"""

from __future__ import annotations

import os
import re
import stat
import time
from pathlib import Path

import pytest
from support import entries
from support.kubelet import complaint, password, request
from support.program import HOST

from dockcred.errors import ThrottledError
from dockcred.identity import turn, turn_keeper
from dockcred.identity.cache.files import Cache
from dockcred.identity.turn import Turn, end_s, plan, told_ends
from dockcred.identity.turn_keeper import places
from dockcred.providers.acr import exchange
from dockcred.providers.acr import machine as entra
from dockcred.providers.acr.hosts import registry_of
from dockcred.providers.acr.sources import AccessToken
from dockcred.providers.github import api as github
from dockcred.providers.oidc import id_token
from dockcred.testing.sandbox.rate_limit import TokenBucket
from dockcred.transport.response import Response

CALL = "ecr:GetAuthorizationToken"


@pytest.fixture
def busy(cloud):
    """A sandbox whose rate limit is used up, so that it throttles every call."""
    cloud.aws.bucket = TokenBucket(1e-6, 1)
    assert cloud.aws.bucket.take()
    return cloud


@pytest.fixture
def mine(busy, node):
    """A node's variables; its plugin has 7 s: time for calls, but not for waiting."""
    del busy
    return node(DOCKCRED_TIMEOUT="7")


def kept(environment) -> list[Path]:
    return list(Path(environment["DOCKCRED_CACHE_DIR"]).glob("*.turn"))


def move(environment, moment: float, *, began: float = -1.0) -> None:
    """Change a turn's time and its beginning, both in seconds from now."""
    (file,) = kept(environment)
    lines = file.read_text().split("\n")
    now = time.monotonic()
    lines[2], lines[3] = repr(now + began), repr(now + moment)
    file.write_text("\n".join(lines))


def test_the_next_process_waits_for_its_turn_and_asks_nobody(plugin, mine, busy):
    first = complaint(plugin(environment=mine, stdin=request()))
    assert busy.calls[CALL] == 1
    assert "AWS throttles ecr:GetAuthorizationToken" in first
    move(mine, 100)
    second = complaint(plugin(environment=mine, stdin=request()))
    assert busy.calls[CALL] == 1
    (seconds,) = re.findall("asked again in ([0-9]+) s, when this node's turn", second)
    assert 90 <= int(seconds) <= 100


def test_the_file_is_private_and_holds_no_secret(plugin, mine, busy):
    plugin(environment=mine, stdin=request())
    (file,) = kept(mine)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = file.read_text()
    assert HOST in text.split("\n")[1]  # the key, as in a cache entry
    assert "ASIA" not in text
    assert busy.requests
    for asked in busy.requests:
        authorization = asked.header("authorization")
        assert not authorization or authorization not in text
        token = asked.header("x-amz-security-token")
        assert not token or token not in text


def test_a_moment_that_has_passed_is_taken_at_once_and_success_ends_the_turn(
    plugin, mine, busy
):
    plugin(environment=mine, stdin=request())
    move(mine, -20, began=-40)
    busy.aws.bucket = None
    assert password(plugin(environment=mine, stdin=request()))
    assert busy.calls[CALL] == 2
    assert not kept(mine)


def test_a_moment_that_a_process_can_wait_for_is_waited_for(plugin, mine, busy):
    plugin(environment=mine, stdin=request())
    busy.aws.bucket = None
    moved = time.monotonic()
    move(mine, 1.5)
    answer = plugin(environment=mine | {"DOCKCRED_TIMEOUT": "12"}, stdin=request())
    assert password(answer)
    assert time.monotonic() - moved > 1.5
    assert busy.calls[CALL] == 2


def test_who_is_throttled_again_draws_in_the_next_window(plugin, mine):
    plugin(environment=mine, stdin=request())
    move(mine, -1, began=-20)
    plugin(environment=mine, stdin=request())
    (file,) = kept(mine)
    lines = file.read_text().split("\n")
    assert lines[5] == "2"
    assert turn.FIRST_S <= float(lines[3]) - float(lines[2]) <= 2 * turn.FIRST_S


def test_another_identity_has_a_turn_of_its_own(plugin, mine, busy, node):
    plugin(environment=mine, stdin=request())
    move(mine, 100)
    busy.aws.bucket = None
    assert password(plugin(environment=node("env-keys"), stdin=request()))
    assert kept(mine)


@pytest.mark.parametrize("moment", [1e6, -2000.0])
def test_a_turn_of_another_time_is_none(plugin, mine, busy, moment):
    plugin(environment=mine, stdin=request())
    move(mine, moment, began=-3000)
    busy.aws.bucket = None
    assert password(plugin(environment=mine, stdin=request()))


def test_a_credential_that_is_still_good_is_answered_while_the_turn_is_to_come(
    plugin, node, busy
):
    """In its last quarter a credential is minted anew, but not before the turn."""
    mine = node("env-keys", DOCKCRED_TIMEOUT="7")
    busy.aws.bucket = None
    old = password(plugin(environment=mine, stdin=request()))
    entries.age_to(entries.only(mine), 0.8)
    busy.aws.bucket = TokenBucket(1e-6, 1)
    assert busy.aws.bucket.take()
    for calls in (2, 2):
        answer = plugin(environment=mine, stdin=request())
        assert old in answer.stdout.decode()
        assert busy.calls[CALL] == calls
        move(mine, 100)


def test_a_person_s_helper_keeps_its_attempts_and_asks_again_soon(ecr, busy, tmp_path):
    """A person's helper has a short timeout, and waits only for a part of it."""
    environment = busy.environment("instance-profile")
    environment |= {"DOCKCRED_TIMEOUT": "4", "DOCKCRED_CACHE_DIR": str(tmp_path / "c")}
    assert ecr.get(environment).status == 1
    calls = busy.calls[CALL]
    assert calls > 1
    move(environment, 300)
    busy.aws.bucket = None
    answer = ecr.get(environment)
    assert answer.status == 0
    assert answer.seconds > 0.5
    assert busy.calls[CALL] == calls + 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write /run/dockcred")
def test_where_nothing_can_be_written_the_turn_is_told_all_the_same(
    plugin, mine, tmp_path
):
    (tmp_path / "file").write_text("")
    environment = mine | {"DOCKCRED_CACHE_DIR": str(tmp_path / "file" / "cache")}
    line = complaint(plugin(environment=environment, stdin=request()))
    assert "when this node's turn comes" in line


def test_a_turn_is_beside_the_cache_else_in_run_where_root_may(tmp_path, monkeypatch):
    monkeypatch.setattr(turn_keeper, "RUN_DIRECTORY", str(tmp_path / "run"))
    own = Cache(str(tmp_path / "own"))
    for user, more in ((0, [str(tmp_path / "run")]), (1000, [])):
        monkeypatch.setattr(os, "geteuid", lambda user=user: user)
        assert [each.wanted for each in places(own)] == [own.wanted, *more]
        assert [each.wanted for each in places(Cache(""))] == more


TOO_MANY = Response(429, {"retry-after": "77"}, b"{}")


@pytest.mark.parametrize(
    "meant",
    [
        lambda: exchange.meaning(
            TOO_MANY, registry_of("contoso.azurecr.io"), AccessToken("t")
        ),
        lambda: entra._refusal(TOO_MANY, "login.microsoftonline.com"),
        lambda: github._failure(TOO_MANY, "api.github.com"),
        lambda: github._failure(
            Response(403, {"retry-after": "77"}, b""), "api.github.com"
        ),
        lambda: id_token.credential(TOO_MANY, "https://sts.example/", "u", "f", "r"),
    ],
    ids=["acr", "entra", "github", "github-403", "exchange"],
)
def test_every_cloud_s_throttle_tells_how_long_to_wait(meant):
    try:
        error = meant()
    except ThrottledError as raised:
        error = raised
    assert isinstance(error, ThrottledError)
    assert error.retry_after_s == 77


def test_retry_after_is_the_least():
    drawn = Turn(1000.0)
    drawn.put_off(1000.0, lambda: 0.0, (), least_s=60.0)
    assert drawn.moment >= 1060
    drawn.put_off(1060.0, lambda: 0.999, (), least_s=300.0)
    assert 1360 <= drawn.moment <= 1000 + 704


def test_windows_double_and_end():
    assert [end_s(number, ()) for number in range(4)] == [0, 22, 44, 88]
    assert end_s(60, ()) == turn.LONGEST_S
    drawn, now = Turn(0.0), 0.0
    for _ in range(40):
        drawn.put_off(now, lambda: 0.999, ())
        assert now <= drawn.moment <= now + turn.LONGEST_S
        now = drawn.moment + 1


def test_a_told_fleet_has_a_window_for_each_quota_then_they_double():
    quotas = ((500.0, 500), (20.0, 200))
    first, second = told = told_ends(10_000, quotas)
    assert first == pytest.approx(1.1 * 19)
    assert second == pytest.approx(1.1 * 490)
    assert end_s(3, told) == 2 * second
    assert told_ends(0, quotas) == told_ends(200, quotas) == ()


def test_a_plugin_that_cannot_wait_so_long_fails_so_that_the_next_is_in_time():
    """kubelet alone would ask again after 10, 30, 70, 150 and 310 s."""
    for wait_s in range(40, 540, 5):
        now, rounds, left_s = 0.0, 0, 38.0
        while wait_s - now > left_s:
            now += plan(wait_s - now, left_s, rounds)[0]
            now += min(300.0, 10.0 * 2.0**rounds) + 8.0
            rounds += 1
        assert now <= wait_s + 25, wait_s


def test_kubelet_s_rounds_are_counted_by_the_pauses_between_its_processes():
    drawn = Turn(0.0)
    drawn.answered_at = 100.0
    drawn.start(101.0)  # another image's process, started at the same time
    assert drawn.rounds == 0
    drawn.start(112.0)
    assert drawn.rounds == 1
    drawn.start(130.0)
    assert drawn.rounds == 1


def test_what_is_torn_or_another_key_s_is_no_turn():
    drawn = Turn(5.0)
    drawn.window, drawn.cause = 1, "AWS throttles it"
    text = drawn.to_text("key")
    again = Turn.from_text(text, "key")
    assert again is not None
    assert again.to_text("key") == text
    assert Turn.from_text(text, "other") is None
    assert all(Turn.from_text(text[:end], "key") is None for end in range(len(text)))
