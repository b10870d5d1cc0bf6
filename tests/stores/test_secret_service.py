"""gnome-keyring in all its states: shared, locked, stopped, killed, or absent."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time

import pytest
from support.program import BUSY_S, wait_until

from dockcred.testing.store_contract import NOT_FOUND, Helper

from .places import fields

LOGIN = "/org/freedesktop/secrets/collection/login"
SECRET = "pä'ss\"wörd 𝄞"


def lock(desk):
    locked = desk.run(
        "dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.secrets",
        "/org/freedesktop/secrets", "org.freedesktop.Secret.Service.Lock",
        f"array:objpath:{LOGIN}",
    )  # fmt: skip
    assert locked.returncode == 0, locked.stderr


def fails_with(answer, *phrases):
    """Expect a failure that no client can mistake for "not found"."""
    assert answer.status == 1, answer
    said = answer.stdout.decode()
    assert said.count("\n") == 1
    assert NOT_FOUND not in said
    for phrase in phrases:
        assert phrase in said
    assert said.strip() in answer.stderr.decode()


# Sharing with docker's own helper and with secret-tool


@pytest.fixture
def docker(desk):
    return desk.peer("secretservice")


def test_docker_reads_lists_and_erases_what_we_wrote(desk, docker):
    desk.helper.store("https://r.io", "user", SECRET)
    assert docker.get("https://r.io") == ("user", SECRET)
    assert docker.list() == {"https://r.io": "user"}
    docker.erase("https://r.io")
    desk.helper.finds_nothing("https://r.io")
    assert desk.helper.list() == {}


def test_we_read_list_and_erase_what_docker_wrote(desk, docker):
    docker.store("https://r.io", "user", SECRET)
    assert desk.helper.get("https://r.io") == ("user", SECRET)
    assert desk.helper.get("r.io") == ("user", SECRET)
    assert desk.helper.list() == {"https://r.io": "user"}
    desk.helper.erase("https://r.io")
    docker.finds_nothing("https://r.io")


def test_each_replaces_what_the_other_wrote(desk, docker):
    docker.store("r.io", "user", "from docker")
    desk.helper.store("r.io", "user", "from us")
    assert docker.get("r.io") == ("user", "from us")
    docker.store("r.io", "user", "from docker again")
    assert desk.helper.get("r.io") == ("user", "from docker again")
    assert secret_tool_secrets(desk, "r.io") == ["from docker again"]


def test_secret_tool_reads_and_erases_what_we_wrote(desk):
    desk.helper.store("r.io", "user", SECRET)
    found = desk.run("secret-tool", "lookup", "server", "r.io", "docker_cli", "1")
    assert found.stdout == SECRET
    desk.run("secret-tool", "clear", "server", "r.io", "docker_cli", "1")
    desk.helper.finds_nothing("r.io")


def test_we_read_replace_and_erase_what_secret_tool_wrote(desk):
    desk.run(
        "secret-tool", "store", "--label=r.io", "xdg:schema", "io.docker.Credentials",
        "label", "Docker Credentials", "server", "r.io", "username", "user",
        "docker_cli", "1", text=SECRET,
    )  # fmt: skip
    assert desk.helper.get("r.io") == ("user", SECRET)
    assert desk.helper.list() == {"r.io": "user"}
    desk.helper.store("r.io", "user", "ours")
    assert secret_tool_secrets(desk, "r.io") == ["ours"]
    desk.helper.erase("r.io")
    assert secret_tool_secrets(desk, "r.io") == []


def secret_tool_secrets(desk, server):
    found = desk.run("secret-tool", "search", "--all", "server", server)
    return [
        line.removeprefix("secret = ")
        for line in found.stdout.splitlines()
        if line.startswith("secret = ")
    ]


def test_items_of_other_programs_are_neither_listed_nor_erased(desk):
    desk.run("secret-tool", "store", "--label=x", "server", "r.io", text="mail")
    assert desk.helper.list() == {}
    desk.helper.finds_nothing("r.io")
    desk.helper.erase("r.io")
    assert secret_tool_secrets(desk, "r.io") == ["mail"]


# Faults of docker's helper (protocol.md C.2), and our behaviour


def test_a_list_names_the_server_where_dockers_helper_names_the_items_label(desk):
    """This is the label that version 0.9 of docker's helper gives its items."""
    desk.run(
        "secret-tool", "store", "--label=Registry credentials for https://r.io",
        "xdg:schema", "io.docker.Credentials", "label", "Docker Credentials",
        "server", "https://r.io", "username", "user", "docker_cli", "1", text="s",
    )  # fmt: skip
    peer = desk.peer("secretservice")
    assert list(peer.list()) == ["Registry credentials for https://r.io"]
    assert desk.helper.list() == {"https://r.io": "user"}
    assert desk.helper.get("https://r.io") == ("user", "s")


def test_a_second_user_leaves_one_item_where_dockers_helper_leaves_two(desk, docker):
    for user in ("zoe", "anna"):
        docker.store("peer.io", user, user)
        desk.helper.store("ours.io", user, user)
    assert sorted(secret_tool_secrets(desk, "peer.io")) == ["anna", "zoe"]
    assert secret_tool_secrets(desk, "ours.io") == ["anna"]
    assert desk.helper.get("ours.io") == ("anna", "anna")


def test_of_two_items_that_docker_left_the_one_written_last_answers(desk, docker):
    docker.store("r.io", "zoe", "old")
    time.sleep(1.1)  # the service's times are in whole seconds
    docker.store("r.io", "anna", "new")
    assert desk.helper.get("r.io") == ("anna", "new")
    assert desk.helper.list() == {"r.io": "anna"}


def test_a_locked_keyring_is_an_error_where_dockers_helper_misleads(desk, docker):
    """docker's helper crashes (0.6) or finds nothing (0.9); neither says why."""
    desk.helper.store("r.io", "user", "secret")
    lock(desk)
    assert b"locked" not in docker.run("get", "r.io").stdout
    for verb in ("get", "erase", "list"):
        fails_with(desk.helper.run(verb, "r.io"), "locked", "gnome-keyring-daemon")
    request = {"ServerURL": "r.io", "Username": "u", "Secret": "s"}
    fails_with(desk.helper.run("store", json.dumps(request)), "locked")


# Locked, slow, gone


def test_a_server_never_stored_is_not_called_missing_while_locked(desk):
    lock(desk)
    fails_with(desk.helper.run("get", "never.io"), "locked")


def test_a_keyring_that_no_session_unlocked_is_locked(bus):
    bus.start_keyring("password")
    bus.helper.store("r.io", "user", "secret")
    bus.stop_keyring()
    bus.start_keyring(None)
    for server in ("r.io", "https://r.io", "never.io"):
        fails_with(bus.helper.run("get", server), "locked")
    fails_with(bus.helper.run("list"), "locked")


def test_the_remedy_for_a_locked_keyring_works(desk):
    desk.helper.store("r.io", "user", "secret")
    lock(desk)
    desk.run_remedy(desk.helper.run("get", "r.io").stdout, "password")
    assert desk.helper.get("r.io") == ("user", "secret")


def test_a_keyring_that_hangs_is_an_error_within_the_time_limit(desk):
    desk.keyring.send_signal(signal.SIGSTOP)
    helper = desk.with_variables(DOCKCRED_TIMEOUT="2")
    for verb in ("get", "list"):
        fails_with(helper.run(verb, "r.io"), "does not answer")


def test_a_keyring_killed_half_way_is_an_error(desk):
    desk.helper.store("r.io", "user", "secret")
    desk.keyring.send_signal(signal.SIGSTOP)
    asking = subprocess.Popen(
        [desk.helper.program, "get"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=desk.variables,
    )
    asking.stdin.write(b"r.io")
    asking.stdin.close()
    time.sleep(0.5)
    desk.stop_keyring()
    assert asking.wait(timeout=BUSY_S) == 1
    said = asking.stdout.read().decode()
    assert NOT_FOUND not in said
    assert "ended while it was asked" in said
    asking.stdout.close()
    asking.stderr.close()


def test_a_keyring_that_has_gone_is_an_error(desk):
    desk.helper.store("r.io", "user", "secret")
    desk.stop_keyring()
    fails_with(desk.helper.run("get", "r.io"), "no program", "dockcred vault create")


def test_a_bus_without_a_keyring_is_an_error(bus):
    for verb in ("get", "list", "erase"):
        fails_with(bus.helper.run(verb, "r.io"), "no program", "dockcred vault create")


def test_a_bus_that_is_gone_is_an_error(home):
    home.variables["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={home.path}/gone"
    fails_with(home.helper.run("get", "r.io"), "session bus cannot be reached")


def test_the_bus_of_systemd_is_found_where_its_variable_is_not_passed_on(desk):
    desk.helper.store("r.io", "user", "secret")
    del desk.variables["DBUS_SESSION_BUS_ADDRESS"]
    assert desk.helper.get("r.io") == ("user", "secret")


def test_without_a_login_collection_nothing_is_kept_and_store_says_how(bus):
    """On a new account public pulls still work; only `store` needs the collection."""
    bus.start_keyring(None)
    bus.helper.finds_nothing("r.io")
    assert fields(bus.helper.run("list")) == {}
    request = json.dumps({"ServerURL": "r.io", "Username": "u", "Secret": "s"})
    refused = bus.helper.run("store", request)
    fails_with(refused, "no collection", "dockcred vault create")
    bus.run_remedy(refused.stdout, "new password")
    bus.helper.store("r.io", "u", "s")
    assert bus.helper.get("r.io") == ("u", "s")


def test_a_second_account_is_kept_apart_from_the_first(desk):
    work = desk.with_variables(DOCKCRED_ACCOUNT="work")
    desk.helper.store("r.io", "me", "mine")
    work.finds_nothing("r.io")
    work.store("r.io", "colleague", "ours")
    assert isinstance(work, Helper)
    assert desk.helper.get("r.io") == ("me", "mine")
    assert work.get("https://r.io") == ("colleague", "ours")
    assert (desk.helper.list(), work.list()) == ({"r.io": "me"}, {"r.io": "colleague"})
    work.erase("r.io")
    assert desk.helper.get("r.io") == ("me", "mine")


# Calls that may crash a service


def test_nobody_begins_with_a_session(desk, tmp_path):
    """gnome-keyring aborts if OpenSession is the first call of a connection."""
    said = tmp_path / "calls"
    with said.open("wb") as file:
        watched = "type='method_call',destination='org.freedesktop.secrets'"
        monitor = subprocess.Popen(
            ["dbus-monitor", "--session", watched],
            env=desk.variables,
            stdout=file,
        )
        try:

            def is_listening() -> bool:
                desk.helper.list()
                return b"sender=" in said.read_bytes()

            wait_until(is_listening)
            desk.helper.store("r.io", "user", SECRET)
            assert desk.helper.get("r.io") == ("user", SECRET)
            desk.helper.erase("r.io")
            wait_until(lambda: b"member=Delete" in said.read_bytes())
        finally:
            monitor.kill()
            monitor.wait()
    calls = re.findall(r"sender=(\S+) .*member=(\w+)", said.read_text())
    assert "OpenSession" in {member for _, member in calls}
    first = dict(reversed(calls))
    assert "OpenSession" not in first.values()
