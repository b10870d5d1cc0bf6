"""Pruning limits the cache: expired files are removed, then those that end first."""

from __future__ import annotations

import os
import time

import pytest
from support import entries
from support.program import HOST

from dockcred.credential import Credential
from dockcred.identity.cache import Entry, files
from dockcred.identity.cache.files import Cache


@pytest.fixture
def cache(tmp_path):
    path = tmp_path / "cache"
    path.mkdir(mode=0o700)
    return Cache(str(path))


def _put(cache: Cache, name: str, ends_in: float):
    now = time.time()
    entry = Entry("key", Credential("AWS", "secret", now, now + ends_in), "aws:sso")
    assert cache.write(name, entry)


def _old(cache: Cache, name: str, seconds: float):
    path = f"{cache.path}/{name}"
    with open(path, "w", encoding="ascii"):
        pass
    os.utime(path, (time.time() - seconds,) * 2)


def test_what_has_ended_is_dropped_and_what_lives_is_kept(cache):
    _put(cache, "ecr,host,1", -1)
    _put(cache, "ecr,host,2", 100)
    cache.prune()
    assert set(cache.names()) == {"ecr,host,2", "pruned"}


def test_what_a_killed_writer_left_goes_after_an_hour(cache):
    """A new lock may still be held by a process."""
    for suffix in (".lock", ".123.new", ".failed", ".tried"):
        _old(cache, f"ecr,old,1{suffix}", 3700)
        _old(cache, f"ecr,new,1{suffix}", 10)
    cache.prune()
    assert not list(cache.names("ecr,old"))
    assert len(list(cache.names("ecr,new"))) == 4


def test_a_stamp_outlives_its_ticket(cache):
    """A stamp's mtime is before the mint; its ticket is valid for half a lifetime."""
    _old(cache, "front,ecr-login,host,1.stamp", 12 * 3600)
    _old(cache, "front,ecr-login,gone,1.stamp", 25 * 3600)
    cache.prune()
    assert set(cache.names("front")) == {"front,ecr-login,host,1.stamp"}


def test_above_the_bound_the_first_to_end_go(cache, monkeypatch):
    monkeypatch.setattr(files, "MAX_ENTRIES", 3)
    for number in range(6):
        _put(cache, f"ecr,host,{number}", 100 + number)
    cache.prune()
    assert set(cache.names("ecr")) == {f"ecr,host,{number}" for number in (3, 4, 5)}


def test_it_is_looked_through_once_in_ten_minutes(cache):
    """Gets with a full cache must not become slow."""
    cache.prune()
    _put(cache, "ecr,host,1", -1)
    cache.prune()
    assert "ecr,host,1" in set(cache.names())
    os.utime(f"{cache.path}/pruned", (time.time() - 601,) * 2)
    cache.prune()
    assert "ecr,host,1" not in set(cache.names())


def test_a_mint_prunes_and_a_hit_does_not(ecr, cloud):
    environment = cloud.environment()
    ecr.get(environment)
    path = entries.only(environment)
    stale = path.with_name("ecr,old.example,00000000")
    stale.write_bytes(path.read_bytes())
    stale.chmod(0o600)
    os.utime(stale, (time.time() - 1,) * 2)
    os.utime(path.with_name("pruned"), (time.time() - 601,) * 2)
    ecr.get(environment)
    assert stale.exists()
    ecr.get(environment, HOST.replace("eu-west-1", "eu-west-2"))
    assert not stale.exists()


def test_a_write_that_is_interrupted_leaves_the_old_entry(cache, monkeypatch):
    """Files are written under another name and renamed: readers see complete ones."""
    _put(cache, "ecr,host,1", 100)
    before = cache.read_text("ecr,host,1")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    now = time.time()
    assert not cache.write(
        "ecr,host,1", Entry("k", Credential("u", "s", now, now), "x")
    )
    monkeypatch.undo()
    assert cache.read_text("ecr,host,1") == before
    assert set(cache.names()) == {"ecr,host,1"}


def test_a_value_that_spans_lines_is_not_cached(cache):
    now = time.time()
    entry = Entry("key", Credential("AWS", "a\nend\n", now, now + 9), "aws:sso")
    assert not cache.write("ecr,host,1", entry)
