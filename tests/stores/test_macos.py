"""The store for macOS over a modelled keychain: items have docker's attributes."""

from __future__ import annotations

import pytest

from dockcred.credential import Credential, ServerURL
from dockcred.stores.keychain_store import KeychainStore
from dockcred.stores.macos import InternetPasswords, attributes_of, key_of
from dockcred.stores.problems import KeychainError, KeychainLockedError, SecurityError
from dockcred.system.environment import Environment

from .keychain_of_macos import Keychain


@pytest.fixture
def keychain():
    return Keychain()


@pytest.fixture
def store(keychain):
    return KeychainStore(InternetPasswords(Environment({}), keychain))


def parse(key):
    return ServerURL.parse(key)


@pytest.mark.parametrize(
    ("key", "protocol", "server", "port", "path"),
    [
        ("r.io", "htps", "r.io", None, None),
        ("https://r.io:5000", "htps", "r.io", 5000, None),
        ("http://r.io/ns", "http", "r.io", None, "/ns"),
        ("https://index.docker.io/v1/", "htps", "index.docker.io", None, "/v1/"),
        ("[::1]:5000", "htps", "::1", 5000, None),
        ("https://r.io/a%20b", "htps", "r.io", None, "/a b"),
    ],
)
def test_a_url_is_kept_in_dockers_parts(key, protocol, server, port, path):
    found = attributes_of(key)
    assert found["kSecAttrLabel"] == "Docker Credentials"
    assert found["kSecAttrProtocol"] == protocol
    assert found["kSecAttrServer"] == server
    assert found.get("kSecAttrPort") == port
    assert found.get("kSecAttrPath") == path
    assert key_of(found) == (key if "://" in key else f"https://{key}")


def test_what_was_stored_is_listed_answered_and_erased(store):
    store.store(parse("r.io"), Credential("user", "ä" * 3000))
    assert store.list() == {"https://r.io": "user"}
    found = store.get(parse("https://r.io"))
    assert (found.username, found.secret) == ("user", "ä" * 3000)
    store.erase(parse("r.io"))
    assert store.list() == {}


def test_a_second_user_replaces_the_first(store, keychain):
    for user in ("zoe", "anna", "anna"):
        store.store(parse("r.io"), Credential(user, f"secret of {user}"))
    assert store.list() == {"https://r.io": "anna"}
    assert len(keychain.items) == 1


def test_an_item_of_dockers_own_helper_is_found(store, keychain):
    keychain.add(
        {
            "kSecClass": "kSecClassInternetPassword",
            "kSecAttrLabel": "Docker Credentials",
            "kSecAttrProtocol": "htps",
            "kSecAttrServer": "r.io",
            "kSecAttrPort": 5000,
            "kSecAttrPath": "/v2",
            "kSecAttrAccount": "user",
            "kSecAttrAuthenticationType": "dflt",
        },
        b"secret",
    )
    assert store.get(parse("r.io:5000")).secret == "secret"
    store.erase(parse("r.io:5000"))
    assert keychain.items == {}


def test_paths_and_ports_of_one_host_are_kept_apart(store):
    """In a query of the framework an attribute that is left out matches any value."""
    keys = ("r.io", "r.io:5000", "r.io/ns", "http://r.io")
    for key in keys:
        store.store(parse(key), Credential("user", key))
    for key in keys:
        assert store.get(parse(key)).secret == key
    store.erase(parse("https://r.io"))
    assert len(store.list()) == 3


def test_items_of_browsers_are_neither_read_nor_erased(store, keychain):
    item = {**attributes_of("r.io"), "kSecAttrLabel": "r.io", "kSecAttrAccount": "me"}
    keychain.add(item, b"website")
    assert store.list() == {}
    store.erase(parse("r.io"))
    assert len(keychain.items) == 1


def test_an_item_of_gits_in_the_same_place_gives_way(store, keychain):
    """git's helper stores the same host and user; macOS has one item for them."""
    theirs = {
        "kSecClass": "kSecClassInternetPassword",
        "kSecAttrProtocol": "htps",
        "kSecAttrServer": "r.io",
        "kSecAttrAuthenticationType": "dflt",
    }
    others = (
        {**theirs, "kSecAttrAccount": "someone else"},
        {**theirs, "kSecAttrAccount": "user", "kSecAttrPath": "/project"},
        {**theirs, "kSecAttrAccount": "user", "kSecAttrPort": 8443},
    )
    for item in ({**theirs, "kSecAttrAccount": "user"}, *others):
        keychain.add(item, b"of git")
    store.store(parse("r.io"), Credential("user", "of the registry"))
    assert store.get(parse("r.io")).secret == "of the registry"
    assert [item for item, secret in keychain.kept() if secret == b"of git"] == sorted(
        others, key=repr
    )


@pytest.mark.parametrize("key", ["r.io", "r.io/ns", "[::1]:5000"])
def test_a_second_account_is_where_docker_and_git_never_search(keychain, key):
    store = KeychainStore(InternetPasswords(Environment({}), keychain))
    work = KeychainStore(InternetPasswords(Environment({}), keychain), "work")
    store.store(parse(key), Credential("me", "mine"))
    work.store(parse(key), Credential("firm", "theirs"))
    work.store(parse(key), Credential("new firm", "theirs"))
    (searched,) = keychain.find({"kSecClass": "kSecClassInternetPassword"})
    assert keychain.secret(searched[0]) == b"mine"
    assert work.list() == {key: "new firm"}
    assert work.get(parse(f"https://{key}")).secret == "theirs"
    work.erase(parse(f"https://{key}"))
    assert store.list() == {f"https://{key}": "me"}
    assert work.list() == {}


def test_what_the_keychain_refuses_is_tried_once(store, keychain, monkeypatch):
    """macOS may have asked the person; after Cancel it must not ask again."""
    asked = []

    def refuse(attributes, secret):
        asked.append(attributes)
        raise SecurityError(-128)

    monkeypatch.setattr(keychain, "add", refuse)
    with pytest.raises(KeychainLockedError):
        store.store(parse("r.io"), Credential("user", "secret"))
    assert len(asked) == 1


@pytest.mark.parametrize("status", [-25308, -128, -25293])
def test_a_locked_keychain_is_locked_not_empty(store, keychain, status):
    keychain.status = status
    with pytest.raises(KeychainLockedError, match="unlock-keychain"):
        store.get(parse("r.io"))


def test_any_other_refusal_names_its_number(store, keychain):
    keychain.status = -67030
    with pytest.raises(KeychainError, match="security error -67030"):
        store.list()
