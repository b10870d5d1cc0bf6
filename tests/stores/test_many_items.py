"""A keyring with many items: the cost of a call, compared with docker's own helper.

The cost is the number of calls to the keyring, and the processor time. Neither depends
on other users of the machine.
"""

from __future__ import annotations

import os
import resource
import statistics
import sys
from pathlib import Path
from types import SimpleNamespace

import jeepney
import pytest
from jeepney import DBusAddress, HeaderFields, MessageType, new_method_call
from jeepney.io.blocking import open_dbus_connection
from support.differential import NIGHT
from support.program import BUSY_S
from support.real import program

from dockcred.credential import ServerURL
from dockcred.protocol.launcher import render
from dockcred.stores import server_keys
from dockcred.stores.keychain_store import KeychainStore
from dockcred.stores.secretservice import store
from dockcred.stores.secretservice.items import SecretItems
from dockcred.stores.secretservice.store import SecretReader
from dockcred.system.environment import Environment
from dockcred.testing.store_contract import Helper

from .test_mixed_keyrings import LOGIN, Keyrings, peer

MEMORY = LOGIN.replace("login", "session")
"""gnome-keyring's collection in memory: 800 items can be written in seconds."""
SEVERAL, MANY = 150, 800
ROOT = Path(__file__).parents[2]
WRITTEN = [
    ("r.io", "https://r.io"),
    ("https://r.io", "r.io"),
    ("http://r.io", "r.io"),
    ("r.io", "http://r.io"),
    ("r.io:443", "r.io"),
    ("https://r.io/v1/", "r.io"),
    ("https://r.io/", "r.io:443"),
    ("https://r.io:5000/v2/", "r.io:5000"),
    ("r.io/a", "https://r.io/a/b"),
    ("r.io", "r.io/a/b"),
    ("https://index.docker.io/v1/", "docker.io"),
    ("docker.io", "https://index.docker.io/v1/"),
    ("https://index.docker.io/v1/", "registry-1.docker.io/library/alpine"),
]


def fill(desk, number):
    keyrings = Keyrings(desk)
    for one in range(number):
        keyrings.put(MEMORY, f"r{one}.io", f"user{one}")
    return keyrings


@pytest.fixture
def several(desk):
    """Provide more items than a store reads one by one, or asks for at once."""
    keyrings = fill(desk, SEVERAL)
    yield keyrings
    keyrings.bus.close()


@pytest.fixture
def reader(desk):
    return SecretReader(desk.variables["DBUS_SESSION_BUS_ADDRESS"])


@pytest.mark.parametrize(("kept", "asked"), WRITTEN)
def test_what_clients_write_is_among_what_is_searched_for(kept, asked):
    forms = server_keys.forms(ServerURL.parse(asked))
    assert kept in forms
    assert forms[0] == asked
    assert len(forms) == len(set(forms)) < 60


@pytest.mark.parametrize(
    "asked", sorted({"r.io:80", "[::1]:5000", *(asked for _, asked in WRITTEN)})
)
def test_nothing_is_searched_for_that_would_not_answer(asked):
    server = ServerURL.parse(asked)
    forms = server_keys.forms(server)
    assert set(server_keys.nearest(server, forms)) == set(forms)


def test_among_many_the_same_answers_as_among_few(several):
    desk = several.desk
    several.put(MEMORY, "https://quay.io/v1/", "user", b"of the registry")
    several.put(MEMORY, "quay.io/team", "team", b"of the namespace")
    assert desk.helper.get("quay.io") == ("user", "of the registry")
    assert desk.helper.get("https://quay.io/team/image") == ("team", "of the namespace")
    desk.helper.finds_nothing("quay.io:5000")
    work = desk.with_variables(DOCKCRED_ACCOUNT="work")
    work.store("quay.io", "colleague", "another's")
    assert work.get("https://quay.io") == ("colleague", "another's")
    assert desk.helper.get("quay.io") == ("user", "of the registry")


def test_an_erase_among_many_leaves_no_form(several):
    desk = several.desk
    for key in ("https://quay.io", "QUAY.io", "quay.io:443"):
        several.put(MEMORY, key, "user")
    desk.helper.erase("quay.io")
    desk.helper.finds_nothing("quay.io")
    assert set(desk.helper.list()) == {f"r{one}.io" for one in range(SEVERAL)}


def test_a_locked_item_among_many_is_told(several):
    desk = several.desk
    other = several.make("other")
    several.put(other, "https://shut.io", "user")
    several.lock(other)
    answer = desk.helper.run("get", "shut.io")
    assert answer.status == 1
    assert b"the keyring is locked" in answer.stdout


def test_more_items_than_a_bus_lets_wait_at_once_are_listed(several, reader):
    # The number that waits at once varies; a bus with 128 waiting refuses the next.
    assert store._MOST_CALLS < 128
    assert reader.users() == {f"r{one}.io": f"user{one}" for one in range(SEVERAL)}


def test_who_is_listed_is_who_is_answered(desk, reader):
    """Also of items that were written within one second."""
    keyrings = Keyrings(desk)
    for user in ("zoe", "anna", "kim"):
        keyrings.put(MEMORY, "r.io", user)
    library = SecretItems(Environment(desk.variables))
    named = {reader.users()["r.io"], library.users()["r.io"]}
    assert named == {reader.read("r.io").username} == {library.read("r.io").username}
    keyrings.bus.close()


def test_a_connection_ends_with_its_store(desk):
    """Otherwise `refresh`, which runs for weeks, would run out of file descriptors."""
    library = SecretItems(Environment(desk.variables))
    before = len(os.listdir("/dev/fd"))
    for _ in range(3):
        library = SecretItems(Environment(desk.variables))
        assert library.users() == {}
    assert len(os.listdir("/dev/fd")) == before


def test_what_no_list_names_is_erased_by_its_name():
    """A locked keyring may hide its items (KeePassXC does)."""
    asked = []
    hidden = SimpleNamespace(users=dict, remove=asked.extend)
    KeychainStore(hidden).erase(ServerURL.parse("shut.io"))
    assert asked == ["shut.io"]


# The calls that reach the keyring


class Watch:
    """A monitor of a bus that sees every call to the keyring."""

    def __init__(self, desk):
        self.desk = desk
        self.bus = open_dbus_connection(desk.variables["DBUS_SESSION_BUS_ADDRESS"])
        become = jeepney.Monitoring().BecomeMonitor([])
        self.bus.send_and_get_reply(become, timeout=BUSY_S)

    def calls(self, helper, verb, text=""):
        """Run a helper; return the names of the calls that it made to the keyring."""
        assert helper.run(verb, text).status in {0, 1}
        # A call of the test itself marks the end of the counting.
        door = open_dbus_connection(self.desk.variables["DBUS_SESSION_BUS_ADDRESS"])
        last = DBusAddress("/", "org.freedesktop.DBus", "org.freedesktop.DBus")
        door.send_and_get_reply(new_method_call(last, "GetId"), timeout=BUSY_S)
        door.close()
        found = []
        while (seen := self.bus.receive(timeout=BUSY_S).header).fields.get(
            HeaderFields.member
        ) != "GetId":
            is_call = seen.message_type is MessageType.method_call
            path = seen.fields.get(HeaderFields.path, "")
            if is_call and path.startswith("/org/freedesktop/secrets"):
                found.append(seen.fields[HeaderFields.member])
        return found


@pytest.fixture
def watch(several):
    found = Watch(several.desk)
    yield found
    found.bus.close()


def test_a_get_asks_no_more_of_the_keyring_than_dockers(watch):
    docker, ours = peer(watch.desk), watch.desk.helper
    theirs, own = (watch.calls(one, "get", "r77.io") for one in (docker, ours))
    assert 3 <= len(own) <= len(theirs), (own, theirs)


@pytest.mark.parametrize("server", ["https://r77.io", "never.io", "docker.io"])
def test_what_is_not_kept_under_its_name_does_not_ask_for_each_item(watch, server):
    found = watch.calls(watch.desk.helper, "get", server)
    assert 3 < len(found) < 40 < SEVERAL, found


def test_a_list_asks_once_for_each_item(watch):
    docker, ours = peer(watch.desk), watch.desk.helper
    assert len(watch.calls(ours, "list")) <= SEVERAL + 2
    assert len(watch.calls(docker, "list")) >= SEVERAL / 2


# Processor time of the helper and of the daemons


def cost_ms(desk, helper, verb, text):
    """Run a helper; return its processor time and the daemons', in milliseconds."""
    before = _spent_ms(desk)
    assert helper.run(verb, text).status == 0
    return _spent_ms(desk) - before


def _spent_ms(desk):
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    daemons = (child.pid for child in desk._children)
    nanoseconds = sum(
        int(path.read_text().split()[0])
        for pid in daemons
        for path in Path(f"/proc/{pid}/task").glob("*/schedstat")
    )
    return 1000 * (children.ru_utime + children.ru_stime) + nanoseconds / 1e6


def launched(desk):
    """Return our helper as a launcher like `dockcred install`'s, with /usr's Python."""
    roots = (str(ROOT / "common"), str(ROOT / "helpers"))
    library = str(Path(jeepney.__file__).parents[1])
    file = desk.path / "docker-credential-keyring"
    python = "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else ""
    text = render.launcher(
        file.name, python or os.path.realpath(sys.executable), (*roots, library), None
    )
    file.write_text(text)
    file.chmod(0o755)
    return Helper(str(file), desk.variables)


@pytest.mark.slow
@pytest.mark.alone
def test_among_800_items_it_takes_no_longer_than_dockers_by_half(desk):
    program("docker-credential-secretservice")
    if not Path("/proc/self/schedstat").exists():
        pytest.skip("this kernel does not tell a process's time (no schedstat)")
    keyrings = fill(desk, MANY)
    docker, ours = peer(desk), launched(desk)
    assert ours.list() == docker.list()
    for verb, text, times in (("get", "r777.io", 21), ("list", "", 5)):
        spent = {docker: [], ours: []}
        for _ in range(3 * times if NIGHT else times):
            for helper, taken in spent.items():
                taken.append(cost_ms(desk, helper, verb, text))
        theirs, own = (statistics.median(spent[one]) for one in (docker, ours))
        print(f"{verb}: docker's {theirs:.1f} ms, ours {own:.1f} ms")
        assert own <= 1.5 * theirs
    keyrings.bus.close()
