"""The quick reader of a keyring is compared with the library's store."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
import time

import pytest
from support.imports import HEAVY, of_get
from support.program import BUSY_S

from dockcred.credential import Credential
from dockcred.errors import MissingExtraError
from dockcred.stores.problems import KeychainAbsentError, KeychainError
from dockcred.stores.secretservice import stream as unix_socket
from dockcred.stores.secretservice.items import SecretItems
from dockcred.stores.secretservice.names import INTERFACE, ROOT, SERVICE
from dockcred.stores.secretservice.store import SecretReader, SecretService
from dockcred.stores.secretservice.stream import BusStream, UnusualError
from dockcred.system.environment import Environment

from .test_secret_service import lock

LONG = "s" * 200_000


@pytest.fixture
def both(desk):
    """Provide the quick reader and the library's store on one bus."""
    library = SecretItems(Environment(desk.variables))
    yield SecretReader(desk.variables["DBUS_SESSION_BUS_ADDRESS"]), library
    library._bus._connection.close()


def read(store, key):
    found = store.read(key)
    return found and (found.username, found.secret)


def test_the_two_read_alike(desk, both):
    quick, library = both
    assert read(quick, "r.io") is read(library, "r.io") is None
    assert quick.users() == library.users() == {}
    desk.helper.store("r.io", "üser", "pä'ss\"wörd 𝄞\nand a line")
    desk.helper.store("https://long.io/v1/", "user", LONG)
    desk.helper.store("empty.io", "user", "")
    for key in ("r.io", "https://long.io/v1/", "empty.io", "none.io", "ürl"):
        assert read(quick, key) == read(library, key)
    assert read(quick, "https://long.io/v1/") == ("user", LONG)
    assert quick.users() == library.users()
    assert len(quick.users()) == 3


def test_of_several_items_the_two_read_the_same(desk, both):
    docker = desk.peer("secretservice")
    quick, library = both
    docker.store("r.io", "zoe", "old")
    docker.store("r.io", "anna", "also")
    assert read(quick, "r.io") == read(library, "r.io")
    time.sleep(1.1)  # the service's times are in whole seconds
    docker.store("r.io", "zoe", "new")
    assert read(quick, "r.io") == read(library, "r.io") == ("zoe", "new")
    assert quick.users() == library.users() == {"r.io": "zoe"}


def test_what_is_locked_is_the_librarys(desk, both):
    desk.helper.store("r.io", "user", "secret")
    lock(desk)
    quick, _ = both
    for ask in (lambda: quick.read("r.io"), lambda: quick.read("none.io"), quick.users):
        with pytest.raises(UnusualError):
            ask()


@pytest.mark.parametrize(
    "address",
    [
        "unix:path=/nowhere/bus",
        "unix:path=/a%20b",
        "unix:path=/a;unix:path=/b",
        "unix:runtime=yes",
        "unixexec:path=/bin/true",
        "tcp:host=127.0.0.1,port=1",
        "nonsense",
        "unix:path=" + "/x" * 60,
        "",
    ],
)
def test_an_address_that_is_not_plain_or_leads_nowhere_is_the_librarys(address):
    with pytest.raises(UnusualError):
        SecretReader(address).read("r.io")


@contextlib.contextmanager
def a_bus_that_says(path, said, *, stays=True):
    """Serve a socket that answers its first client with these bytes."""
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(path)
        door.listen()
        callers = []

        def answer():
            caller, _ = door.accept()
            callers.append(caller)
            caller.sendall(said)
            if not stays:
                caller.close()

        thread = threading.Thread(target=answer)
        thread.start()
        yield
        thread.join(timeout=BUSY_S)
        for caller in callers:
            caller.close()


@pytest.mark.parametrize(
    "said",
    [
        b"REJECTED DBUS_COOKIE_SHA1\r\n",
        b"OK 00\r\nl" + b"\xff" * 99,
        b"OK 00\r\nB" + bytes(99),
        b"OK 00\r\nl\2\0\1" + bytes(4) + b"\1\0\0\0\x08\0\0\0" + b"\x63" * 8,
    ],
    ids=["another login", "endless", "big-endian", "malformed"],
)
def test_a_bus_that_talks_otherwise_is_the_librarys(home, said):
    path = str(home.path / "bus")
    with a_bus_that_says(path, said), pytest.raises(UnusualError):
        SecretReader(f"unix:path={path}").read("r.io")


def test_a_bus_that_goes_away_is_no_keyring_that_is_absent(home):
    """For the store `auto`, an absent keyring is an empty one."""
    path = str(home.path / "bus")
    goes = a_bus_that_says(path, b"OK 00\r\n", stays=False)
    with goes, pytest.raises(KeychainError, match="went away") as caught:
        SecretReader(f"unix:path={path}").read("r.io")
    assert not isinstance(caught.value, KeychainAbsentError)


GOOD = {"Attributes": ("a{ss}", {"username": "user"}), "Modified": ("t", 1)}


@pytest.mark.parametrize(
    ("secrets", "properties"),
    [
        ({}, GOOD),
        ({"/item": ()}, GOOD),
        ({"/item": ("/session", b"", b"secret", "text/plain")}, {}),
        ({"/item": ("/session", b"", b"secret", "text/plain")}, {"Modified": 1}),
    ],
    ids=["gone in between", "no secret", "no properties", "no variant"],
)
def test_an_answer_of_another_shape_is_the_librarys(secrets, properties, monkeypatch):
    found = (["/item"], [])
    flights = [
        [found, ("/default",), (("s", ""), "/session")],
        [(secrets,), (properties,)],
    ]
    monkeypatch.setattr(BusStream, "call_batch", lambda *_, **__: flights.pop(0))
    with pytest.raises(UnusualError):
        SecretReader("unix:path=/nowhere").read("r.io")
    assert not flights


def test_an_error_of_the_service_carries_its_name(desk):
    stream = BusStream(desk.variables["DBUS_SESSION_BUS_ADDRESS"])
    with pytest.raises(UnusualError) as caught:
        stream.call_batch((SERVICE, ROOT, "org.example.No.Such", ""), seconds=BUSY_S)
    assert caught.value.name == "org.freedesktop.DBus.Error.UnknownMethod"


def test_calls_of_several_flights_are_told_apart(desk):
    stream = BusStream(desk.variables["DBUS_SESSION_BUS_ADDRESS"])
    alias = (SERVICE, ROOT, f"{INTERFACE}.Service.ReadAlias", "s")
    for _ in range(2):
        login, none = stream.call_batch(
            (*alias, "default"), (*alias, "none"), seconds=BUSY_S
        )
        assert login == ("/org/freedesktop/secrets/collection/login",)
        assert none == ("/",)


@pytest.mark.parametrize("abstract", [False, True], ids=["path", "abstract"])
@pytest.mark.parametrize("way", [unix_socket.by_c_library, unix_socket.by_socket])
def test_the_two_ways_to_connect_lead_to_the_same(home, way, abstract):
    name = f"\0dockcred-{os.getpid()}" if abstract else str(home.path / "door")
    assert refused(way, name)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(name)
        door.listen()
        descriptor = way(name.encode())
        caller, _ = door.accept()
        with caller:
            os.write(descriptor, b"hello")
            assert caller.recv(5) == b"hello"
            assert not os.get_inheritable(descriptor)
            os.close(descriptor)
            assert caller.recv(5) == b""


def refused(way, name):
    before = os.listdir("/dev/fd")
    try:
        refused = way(name.encode()) == -1
    except OSError:
        refused = True
    return refused and os.listdir("/dev/fd") == before


def test_without_ctypes_socket_connects(home, monkeypatch):
    monkeypatch.setitem(sys.modules, "ctypes", None)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(home.path / "door"))
        door.listen()
        os.close(unix_socket.connect(str(home.path / "door").encode()))


def test_without_jeepney_a_get_still_answers_and_a_store_says_what_to_install(
    desk, monkeypatch
):
    desk.helper.store("r.io", "user", "secret")
    monkeypatch.setitem(sys.modules, "jeepney", None)
    monkeypatch.delitem(sys.modules, "dockcred.stores.secretservice.items")
    monkeypatch.delitem(sys.modules, "dockcred.stores.secretservice.bus")
    store = SecretService(Environment(desk.variables))
    assert read(store, "r.io") == ("user", "secret")
    with pytest.raises(MissingExtraError, match="jeepney is missing"):
        store.write("r.io", Credential("user", "other"))


def test_a_get_from_the_keyring_imports_nothing_heavy(desk):
    desk.helper.store("r.io", "user", "secret")
    for host in ("r.io", "https://r.io"):
        modules = of_get("docker_credential_keyring", host, desk.variables)
        assert "ctypes" in modules
        assert modules & (HEAVY | {"jeepney"}) == set()
