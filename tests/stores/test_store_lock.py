"""Simultaneous logins into a store that is a program or a service."""

from __future__ import annotations

import json
import subprocess

import pytest

from dockcred.system.file_lock import FileLock

from .parts import ours

LOCKS = {
    "password_store": ".password-store/.docker-credential-helpers.lock",
    "desk": ".local/share/dockcred/secretservice.lock",
    "keyring": ".local/share/dockcred/keyring.lock",
}


def login(user):
    return json.dumps({"ServerURL": "r.io", "Username": user, "Secret": f"of {user}"})


@pytest.fixture(params=LOCKS)
def place(request):
    """Provide a store, and the path of its lock."""
    home = request.getfixturevalue(request.param)
    return home, str(home.path / LOCKS[request.param])


def test_a_change_waits_for_the_one_that_is_under_way(place):
    home, lock = place
    home.helper.store("r.io", "first", "of first")
    helper = home.with_variables(DOCKCRED_TIMEOUT="2")
    with FileLock(lock, stays=True):
        for verb, text in (("store", login("second")), ("erase", "r.io")):
            answer = helper.run(verb, text)
            assert answer.status == 1
            assert "another process" in answer.stdout.decode()
    assert home.helper.get("r.io") == ("first", "of first")


def test_of_logins_at_once_one_is_left_and_whole(place):
    home, _ = place
    users = [f"user{number}" for number in range(6)]
    children = []
    for user in users:
        child = subprocess.Popen(
            [ours("docker-credential-keyring"), "store"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**home.variables, "DOCKCRED_TIMEOUT": "120"},
        )
        child.stdin.write(login(user).encode())
        child.stdin.close()
        children.append(child)
    assert [child.wait(150) for child in children] == [0] * len(users)
    user, secret = home.helper.get("r.io")
    assert (user in users, secret) == (True, f"of {user}")
    assert home.helper.list() == {"r.io": user}
    home.helper.erase("r.io")
    home.helper.finds_nothing("r.io")
