"""dockcred.system.windows with a model of Windows' API: access control lists, locks,
replaced files, folders, processes. tests/windows runs the same under Wine."""

from __future__ import annotations

import os
import stat
import subprocess

import pytest
from support import windows_api
from support.windows_api import (
    ADMINISTRATORS,
    ANOTHER,
    EVERYBODY,
    IO_PENDING,
    LOCK_VIOLATION,
    ME,
    SYSTEM,
    USERS,
)

import dockcred.system
from dockcred.identity import cache

READS, WRITES, DELETES, APPENDS, ALL = 0x1, 0x2, 0x10000, 0x4, 0x1F01FF
INHERITED_ONLY, BY_ALL_WITHIN = 0x8, 0x3


@pytest.fixture
def machine(monkeypatch):
    with windows_api.windows(monkeypatch) as (api, half):
        yield api, half
    del dockcred.system.windows


@pytest.fixture
def file(machine, tmp_path):
    """A file that belongs to this user, whose access control list allows everything."""
    api, _ = machine
    path = str(tmp_path / "file")
    with open(path, "wb") as opened:
        opened.write(b"x")
    api.owners[path], api.lists[path] = ME, [(0, 0, ALL, ME)]
    return path


def modes(machine, path):
    """Return a file's owner, and its mode for others; its descriptor has the same."""
    _, half = machine
    named = half.stat(path)
    with open(path, "rb") as opened:
        found = half.fstat(opened.fileno())
    assert (named.st_uid, named.st_mode) == (found.st_uid, found.st_mode)
    return named.st_uid, stat.S_IMODE(named.st_mode) & 0o077


@pytest.mark.parametrize(
    ("entries", "mode"),
    [
        ([(0, 0, ALL, ME), (0, 0, ALL, SYSTEM), (0, 0, ALL, ADMINISTRATORS)], 0),
        ([(0, 0, READS, USERS)], 0o004),
        ([(0, 0, WRITES, EVERYBODY)], 0o002),
        ([(0, 0, APPENDS, EVERYBODY)], 0o002),
        ([(0, 0, DELETES, ANOTHER)], 0o002),
        ([(9, 0, READS, USERS)], 0o004),
        ([(1, 0, ALL, USERS)], 0),
        ([(0, INHERITED_ONLY, ALL, USERS)], 0),
        ([], 0),
        (None, 0o007),
    ],
    ids=[
        "the system's and ours",
        "read",
        "write",
        "append",
        "delete",
        "on a condition",
        "denied",
        "for what comes below",
        "nobody",
        "no list lets everybody in",
    ],
)
def test_a_list_is_read_as_what_others_may(machine, file, entries, mode):
    machine[0].lists[file] = entries
    assert modes(machine, file) == (machine[1].user(), mode)


@pytest.mark.parametrize(
    ("owner", "is_ours", "is_system"),
    [
        (ME, True, False),
        (SYSTEM, False, True),
        (ADMINISTRATORS, False, True),
        (ANOTHER, False, False),
    ],
    ids=["mine", "the system's", "administrators'", "another's"],
)
def test_whose_a_file_is(machine, file, owner, is_ours, is_system):
    machine[0].owners[file] = owner
    uid, _ = modes(machine, file)
    assert (uid == machine[1].user(), uid == 0) == (is_ours, is_system)


def test_an_administrators_new_files_are_his(machine, file):
    """New files of an administrator may belong to the group Administrators instead."""
    api, half = machine
    api.owner_of_new = ADMINISTRATORS
    api.owners[file] = ADMINISTRATORS
    assert modes(machine, file)[0] == half.user()


def test_files_of_a_group_are_not_his(machine, file):
    api, half = machine
    api.owner_of_new = api.owners[file] = USERS
    assert modes(machine, file)[0] != half.user()


def test_what_cannot_be_asked_is_anothers_and_open(machine, file):
    del machine[0].owners[file]
    uid, mode = modes(machine, file)
    assert uid not in {0, machine[1].user()}
    assert mode == 0o007


@pytest.mark.parametrize("is_directory", [False, True])
def test_what_is_closed_inherits_from_nothing_above(machine, tmp_path, is_directory):
    api, half = machine
    path = str(tmp_path if is_directory else tmp_path / "new")
    if is_directory:
        half.close_to_others(path)
    else:
        os.close(half.create(path, os.O_WRONLY | os.O_CREAT))
    ((_, what),) = api.asked_to_set
    assert what & 0x80000000
    allowed = {(kind, flags, who) for kind, flags, _, who in api.lists[path]}
    within = BY_ALL_WITHIN if is_directory else 0
    assert allowed == {(0, within, who) for who in (ME, SYSTEM, ADMINISTRATORS)}


def test_a_list_is_copied_to_the_file_that_takes_its_place(machine, file):
    api, half = machine
    api.lists[file] = [(0, 0, ALL, ME), (0, 0, READS, USERS)]
    with open(f"{file}.new", "wb") as new:
        assert half.copy_access(file, new.fileno())
    assert api.lists[f"{file}.new"] == api.lists[file]


@pytest.mark.parametrize("refusal", [LOCK_VIOLATION, IO_PENDING])
def test_a_lock_that_another_holds_is_told(machine, file, refusal):
    api, half = machine
    api.refusal = refusal
    with open(file, "rb") as first, open(file, "rb") as second:
        half.lock(first.fileno())
        with pytest.raises(BlockingIOError):
            half.lock(second.fileno())


def test_a_file_system_without_locks_is_no_lock_that_another_holds(machine, file):
    api, half = machine
    api.refusal = 1
    with open(file, "rb") as first, open(file, "rb") as second:
        half.lock(first.fileno())
        with pytest.raises(OSError, match="Windows") as refused:
            half.lock(second.fileno())
    assert not isinstance(refused.value, BlockingIOError)


def test_what_is_locked_is_no_byte_of_the_file(machine, file):
    """Others cannot read a locked byte. So all lock one byte far behind the end."""
    api, half = machine
    with open(file, "rb") as opened:
        half.lock(opened.fileno())
        half.wait_for_lock(opened.fileno())
    (at_once, first, _), (waiting, second, _) = api.locks
    assert first == second > 2**40
    assert (at_once & 1, waiting & 1) == (1, 0)
    assert at_once & waiting & 2, "it is one's alone"


class SharingError(PermissionError):
    def __init__(self, code):
        super().__init__(13, "in use")
        self.winerror = code


def replacing(monkeypatch, half, times, code):
    """Let the first `times` replacements fail; return the new file's mtime of each."""
    tried, real = [], os.replace

    def replace(old, new):
        tried.append(os.stat(old).st_mtime)
        if len(tried) <= times:
            raise SharingError(code)
        real(old, new)

    half.os.replace = replace
    monkeypatch.setattr(half.time, "sleep", lambda _: None)
    return tried


def aside(file):
    return os.open(f"{file}.new", os.O_WRONLY | os.O_CREAT)


@pytest.mark.parametrize("code", [5, 32, 33])
def test_a_file_that_is_read_is_replaced_a_moment_later(
    machine, file, monkeypatch, code
):
    tried = replacing(monkeypatch, machine[1], 3, code)
    machine[1].move(aside(file), f"{file}.new", file, 5.0)
    assert tried == [5.0] * 4, "it has its time before it has its name"
    assert os.stat(file).st_size == 0


def test_one_that_stays_in_use_is_given_up(machine, file, monkeypatch):
    tried = replacing(monkeypatch, machine[1], 1000, 32)
    with pytest.raises(PermissionError):
        machine[1].move(aside(file), f"{file}.new", file, None)
    assert 10 < len(tried) < 100


def test_another_refusal_is_told_at_once(machine, file, monkeypatch):
    tried = replacing(monkeypatch, machine[1], 1, 1)
    with pytest.raises(PermissionError):
        machine[1].move(aside(file), f"{file}.new", file, None)
    assert len(tried) == 1


def test_a_change_is_seen_by_its_own_time(machine, file):
    """Windows counts from 1601, which is 11,644,473,600 seconds before 1970."""
    api, half = machine
    api.changes[file] = (11_644_473_600 + 100) * 10**7 + 1
    assert half.look(file).st_ctime_ns == 100 * 10**9 + 100
    assert half.look(file).st_mtime_ns == os.stat(file).st_mtime_ns
    api.changes[file] = 0
    assert half.look(file).st_ctime_ns == 0


def test_the_cache_sees_a_file_that_was_written_anew(machine, file, monkeypatch):
    """Inode, size, mtime and ctime (on Windows the creation time) are as before."""
    api, half = machine
    monkeypatch.setattr(cache.system, "look", half.look)
    api.changes[file] = 2 * 10**17 + 1
    first = cache.stat_signature(file)
    assert cache.stat_signature(file) == first
    api.changes[file] += 1
    assert cache.stat_signature(file) != first


def test_a_file_system_that_does_not_tell_it_has_no_time_of_change(machine, file):
    assert machine[1].look(file).st_ctime_ns == 0


def test_the_machines_settings_are_where_the_registry_says(machine, monkeypatch):
    """The variable ProgramData is not used, as each caller can set it."""
    assert machine[1].SETTINGS == r"C:\ProgramData\dockcred"


def test_home_is_the_profile(machine):
    _, half = machine
    said = {"USERPROFILE": "C:/Users/ä", "HOMEDRIVE": "D:", "HOMEPATH": "/other"}
    assert half.home(lambda name: said.get(name, "")) == "C:/Users/ä"
    del said["USERPROFILE"]
    assert half.home(lambda name: said.get(name, "")) == "D:/other"
    del said["HOMEPATH"]
    assert half.home(lambda name: said.get(name, "")) == ""


def test_a_number_that_came_again_is_no_parent(machine):
    """2 started 3. 5 reuses the pid of the process that started 4, and is younger."""
    api, half = machine
    api.processes = {2: (1, 100), 3: (2, 200), 4: (5, 300), 5: (2, 400)}
    assert half.parents() == {3: 2, 5: 2}


@pytest.mark.parametrize("keeps", [False, True])
def test_a_refresh_outlives_its_starter(machine, monkeypatch, keeps):
    """It runs in a Python without a console, and outside the job if the job allows."""
    api, half = machine
    api.job_keeps_its_own = keeps
    monkeypatch.setattr(subprocess, "Popen", api.Popen)
    half.start_again("import this", {"A": "b"}, b"secret")
    ((command, how),) = api.started
    assert "-I" in command
    assert not any("secret" in word for word in command)
    assert how["env"] == {"A": "b"}
    assert (how["stdout"], how["stderr"]) == (subprocess.DEVNULL,) * 2
    assert how["written"] == [b"secret", b""]
    flags = how["creationflags"]
    assert flags & 0x8, "it has no console"
    assert bool(flags & 0x1000000) is not keeps


def test_no_other_machine_and_no_other_boot_has_our_name_of_it(machine):
    api, half = machine
    assert half.boot() == ""
    api.registry["MachineGuid"] = "one"
    first = half.boot()
    api.uptime = b"\1" + bytes(47)
    second = half.boot()
    api.registry["MachineGuid"] = "two"
    assert len({"", first, second, half.boot()}) == 4
