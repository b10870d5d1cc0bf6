"""The store for Windows over a modelled Credential Manager with Windows' limits."""

from __future__ import annotations

import ctypes
import time

import pytest

from dockcred.credential import Credential, ServerURL
from dockcred.errors import CredentialsNotFoundError
from dockcred.stores import windows
from dockcred.stores.keychain_store import KeychainStore
from dockcred.stores.problems import (
    CredentialError,
    Item,
    KeychainError,
    KeychainLockedError,
)
from dockcred.stores.windows import CredentialManager
from dockcred.stores.windows_api import (
    GenericCredentials,
    NativeCredential,
    from_native,
    to_native,
)
from dockcred.system.environment import Environment

MAX_BLOB_BYTES = 5 * 512
MAX_VALUE_BYTES = 256
BAD_STUB = 1783


class Manager:
    """CredRead and related functions over memory, with the documented limits."""

    def __init__(self):
        self.items = {}
        self.code = 0
        self.writes_left = 1000
        self.held = 0

    def read(self, target):
        if self.code:
            raise CredentialError(self.code)
        return self.items.get(target.lower())

    def write(self, target, item):
        values = item.attributes.values()
        if len(item.blob) > MAX_BLOB_BYTES or any(
            len(v) > MAX_VALUE_BYTES for v in values
        ):
            raise CredentialError(BAD_STUB)
        if self.writes_left == 0:
            raise CredentialError(8)
        self.writes_left -= 1
        self.items[target.lower()] = Item(item.user, item.blob, dict(item.attributes))

    def delete(self, target):
        if self.held:
            raise CredentialError(self.held)
        self.items.pop(target.lower(), None)

    def targets(self):
        return list(self.items)


@pytest.fixture
def manager():
    return Manager()


@pytest.fixture
def store(manager):
    return KeychainStore(CredentialManager(Environment({}), manager))


def parse(key):
    return ServerURL.parse(key)


@pytest.mark.parametrize("size", [0, 1, 2560, 2561, 5120, 64 * 1024, 1024 * 1024])
def test_a_secret_of_any_size_comes_back_whole(store, size):
    secret = ("0123456789ä" * (size // 11 + 1))[:size]
    store.store(parse("r.io"), Credential("user", secret))
    assert store.get(parse("https://r.io")).secret == secret
    assert store.list() == {"r.io": "user"}


def test_pieces_go_with_their_secret(store, manager):
    for secret in ("x" * 9000, "y" * 6000, "short"):
        store.store(parse("r.io"), Credential("user", secret))
        assert store.get(parse("r.io")).secret == secret
    assert len(manager.items) == 1
    store.store(parse("r.io"), Credential("user", "z" * 9000))
    store.erase(parse("r.io"))
    assert manager.items == {}


@pytest.mark.parametrize("writes", range(5))
def test_a_store_that_breaks_off_leaves_the_old_secret(store, manager, writes):
    store.store(parse("r.io"), Credential("user", "old" * 3000))
    manager.writes_left = writes
    with pytest.raises(KeychainError):
        store.store(parse("r.io"), Credential("user", "new" * 4000))
    assert store.get(parse("r.io")).secret == "old" * 3000


LABELLED = {"label": b"Docker Credentials"}


@pytest.fixture
def later(monkeypatch):
    """Return a function: it sets the store's clock these seconds ahead."""
    now = time.time()

    def pass_by(seconds):
        monkeypatch.setattr(windows.time, "time", lambda: now + seconds)

    return pass_by


def left(manager):
    """Return the pieces of long secrets that are still stored."""
    return [item.blob for name, item in manager.items.items() if "#dockcred:" in name]


@pytest.mark.parametrize("verb", ["store", "erase", "list"])
@pytest.mark.parametrize("theirs", ["store", "erase"])
def test_pieces_that_docker_orphaned_go_with_the_next_call(
    store, manager, later, theirs, verb
):
    """docker's helper knows the first item only, and replaces or erases it."""
    store.store(parse("r.io"), Credential("user", "secret" * 1000))
    store.store(parse("other.io"), Credential("user", "kept" * 1000))
    if theirs == "store":
        manager.write("r.io", Item("user", b"short", LABELLED))
    else:
        manager.delete("r.io")
    assert any(b"secret" in blob for blob in left(manager))
    later(3600)
    if verb == "store":
        store.store(parse("third.io"), Credential("user", "x"))
    elif verb == "erase":
        store.erase(parse("third.io"))
    else:
        store.list()
    assert not any(b"secret" in blob for blob in left(manager))
    assert store.get(parse("other.io")).secret == "kept" * 1000


@pytest.mark.parametrize("seconds", [0, 60, -60])
def test_pieces_that_are_being_written_are_left_to_who_writes_them(
    store, manager, later, seconds
):
    manager.writes_left = 2
    with pytest.raises(KeychainError):
        store.store(parse("r.io"), Credential("user", "x" * 9000))
    later(seconds)
    store.list()
    assert len(left(manager)) == 2
    later(3600)
    assert store.list() == {}
    assert left(manager) == []


def test_a_piece_that_cannot_be_removed_spoils_no_call(store, manager, later):
    store.store(parse("r.io"), Credential("user", "x" * 9000))
    manager.delete("r.io")
    later(3600)
    manager.held = 5
    assert store.list() == {}
    assert left(manager)
    manager.held = 0
    assert store.list() == {}
    assert left(manager) == []


def test_a_lost_piece_is_an_error_never_a_shorter_secret(store, manager):
    store.store(parse("r.io"), Credential("user", "x" * 9000))
    del manager.items[next(t for t in manager.items if t.endswith(":1"))]
    with pytest.raises(KeychainError, match="missing"):
        store.get(parse("r.io"))


def test_dockers_own_items_are_read_replaced_and_erased(store, manager):
    label = {"label": b"Docker Credentials"}
    manager.write("https://r.io", Item("user", "sécret".encode(), label))
    assert store.get(parse("r.io")).secret == "sécret"
    store.store(parse("https://r.io"), Credential("other", "new"))
    kept = manager.items["https://r.io"]
    assert (kept.user, kept.blob, kept.attributes) == ("other", b"new", label)
    store.erase(parse("r.io"))
    assert manager.items == {}


def test_items_of_other_programs_are_neither_read_nor_erased(store, manager):
    manager.write("r.io", Item("user", b"mail", {}))
    assert store.list() == {}
    with pytest.raises(CredentialsNotFoundError):
        store.get(parse("r.io"))
    store.erase(parse("r.io"))
    assert "r.io" in manager.items


def test_a_session_without_a_logon_is_locked_not_empty(store, manager):
    manager.code = 1312
    with pytest.raises(KeychainLockedError, match="ssh"):
        store.get(parse("r.io"))


def test_an_item_crosses_the_apis_structure_unchanged():
    item = Item("üser", bytes(range(256)), {"label": b"Docker Credentials", "b": b""})
    native = to_native("https://r.io", item)
    back = from_native(native)
    assert native.TargetName == "https://r.io"
    assert (native.Type, native.Persist) == (1, 2)
    assert (back.user, back.blob, back.attributes) == (
        item.user,
        item.blob,
        item.attributes,
    )


class Library:
    """advapi32's functions over credentials in memory; `error` is GetLastError's."""

    def __init__(self):
        self.kept = []
        self.error = 0
        self.freed = 0

    def CredReadW(self, target, kind, flags, found):  # noqa: N802
        for native in self.kept:
            if (native.TargetName, native.Type) == (target, kind):
                found._obj.contents = native
                return 1
        self.error = self.error or 1168
        return 0

    def CredWriteW(self, native, flags):  # noqa: N802
        self.kept.append(native._obj)
        return not self.error

    def CredDeleteW(self, target, kind, flags):  # noqa: N802
        before = len(self.kept)
        self.kept = [n for n in self.kept if (n.TargetName, n.Type) != (target, kind)]
        self.error = 0 if len(self.kept) < before else 1168
        return not self.error

    def CredEnumerateW(self, pattern, flags, count, found):  # noqa: N802
        assert (pattern, flags) == (None, 0)
        count._obj.value = len(self.kept)
        each = ctypes.POINTER(NativeCredential)
        self.array = (each * len(self.kept))(*map(ctypes.pointer, self.kept))
        found._obj.contents = ctypes.cast(self.array, ctypes.POINTER(each)).contents
        self.error = 0 if self.kept else 1168
        return not self.error

    def CredFree(self, found):  # noqa: N802
        self.freed += 1


@pytest.fixture
def library(monkeypatch):
    library = Library()
    for name, stand_in in (
        ("WinDLL", lambda *_, **__: library),
        ("get_last_error", lambda: library.error),
    ):
        monkeypatch.setattr(ctypes, name, stand_in, raising=False)
    return library


def test_of_the_api_only_generic_credentials_are_seen_and_all_it_gives_is_freed(
    library,
):
    credentials = GenericCredentials()
    credentials.write("r.io", Item("user", b"secret", {}))
    other = to_native("mail", Item("user", b"secret", {}))
    other.Type = 2
    library.kept.append(other)
    assert credentials.targets() == ["r.io"]
    assert library.freed == 1
    assert credentials.read("mail") is None
    assert credentials.read("r.io").blob == b"secret"
    assert library.freed == 2
    credentials.delete("r.io")
    credentials.delete("r.io")
    library.kept.clear()
    assert credentials.targets() == []


@pytest.mark.parametrize("code", [5, 1168, 1312])
def test_what_was_not_written_is_never_success(library, code):
    """Wine answers 1168 for a failed write; for a read it means "not found"."""
    library.error = code
    with pytest.raises(CredentialError) as told:
        GenericCredentials().write("r.io", Item("user", b"secret", {}))
    assert told.value.code == code


@pytest.mark.parametrize("code", [2, 5, 1312])
def test_what_cannot_be_asked_is_never_nothing(library, code):
    library.error = code
    with pytest.raises(CredentialError):
        GenericCredentials().read("r.io")
