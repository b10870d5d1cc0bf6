"""Our store for macOS and docker's helper for macOS, both over one modelled keychain.

docker's code is unchanged, except for the two lines that restrict it to macOS. The
keychain is modelled after the Security framework's documents (keychain_of_macos).
"""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator

import pytest
from support import oracles
from support.differential import meant

from dockcred.credential import Credential, ServerURL
from dockcred.errors import CredentialsNotFoundError, InvalidInputError
from dockcred.stores.keychain_store import KeychainStore
from dockcred.stores.macos import InternetPasswords, attributes_of, key_of
from dockcred.stores.problems import SecurityError
from dockcred.system.environment import Environment

from .keychain_of_macos import Keychain

hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies

_RESULT = ("Server", "Protocol", "Path", "Account", "Label", "Port")
_NOT_FOUND = "credentials not found in native keychain"


class Docker:
    """docker's helper for macOS, over our modelled keychain."""

    def __init__(self) -> None:
        self.keychain = Keychain()
        self._child = subprocess.Popen(
            [oracles.program("osxkeychain")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={},
        )

    def close(self) -> None:
        with self._child as child:
            child.kill()

    def run(self, verb: str, text: str = "") -> tuple[str, str]:
        """Run a verb; return its answer and its error."""
        self._say({"Verb": verb, "Text": text})
        while "call" in (heard := self._hear()):
            self._say(self._answer(heard))
        return heard["answer"], heard["error"]

    def store(self, key: str, user: str, secret: str) -> str:
        fields = {"ServerURL": key, "Username": user, "Secret": secret}
        return self.run("store", json.dumps(fields))[1]

    def get(self, key: str) -> str:
        """Return a key's secret, or the error's text."""
        answer, error = self.run("get", key)
        return error or json.loads(answer)["Secret"]

    def _answer(self, call: dict) -> dict:
        attributes = call["attributes"]
        found = []
        try:
            if call["call"] == "SecItemAdd":
                self.keychain.add(attributes, base64.b64decode(call["secret"]))
            elif call["call"] == "SecItemDelete":
                self.keychain.delete_all(attributes)
            else:
                found = self.keychain.find(attributes)
        except SecurityError as error:
            return {"Status": error.status}
        return {"Status": 0, "Found": [self._result(*one) for one in found]}

    def _result(self, reference: bytes, item: dict) -> dict:
        secret = self.keychain.secret(reference)
        assert secret is not None
        named = {name: item.get(f"kSecAttr{name}") for name in _RESULT}
        return named | {"Data": base64.b64encode(secret).decode()}

    def _say(self, message: dict) -> None:
        assert self._child.stdin
        self._child.stdin.write(json.dumps(message).encode() + b"\n")
        self._child.stdin.flush()

    def _hear(self) -> dict:
        assert self._child.stdout
        return json.loads(self._child.stdout.readline())


@pytest.fixture(scope="module")
def process() -> Iterator[Docker]:
    docker = Docker()
    yield docker
    docker.close()


@pytest.fixture
def docker(process: Docker) -> Docker:
    process.keychain = Keychain()
    return process


def ours(keychain: Keychain, account: str = "") -> KeychainStore:
    return KeychainStore(InternetPasswords(Environment({}), keychain), account)


def is_asked_for(key: str) -> bool:
    try:
        return ServerURL.parse(key).raw == key
    except InvalidInputError:
        return False


_HOSTS = ("r.io", "R.io", "a_b.example", "localhost", "r.io.", "127.0.0.1")
_V6 = ("[::1]", "[fe80::A]", "[::ffff:1.2.3.4]", "[1:2]")
_PATHS = st.text("aZ09/.-_~!$&()*+,;=:[]", max_size=8)
KEYS = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(("", "", "https://", "http://", "HTTP://", "Https://")),
    st.sampled_from((*_HOSTS, *_V6)),
    st.sampled_from(("", "", ":443", ":80", ":5000", ":05000", ":65535")),
    st.one_of(st.just(""), st.just("/v1/"), _PATHS.map("/{}".format)),
).filter(is_asked_for)


def test_an_item_lies_where_docker_lays_it(side_by_side, docker) -> None:
    def compare(key: str) -> str | None:
        docker.keychain, mine = Keychain(), Keychain()
        error = docker.store(key, "user", "secret")
        ours(mine).store(ServerURL.parse(key), Credential("user", "secret"))
        if error:
            assert docker.keychain.kept() == []
            assert "[1:2]" in key
            return meant("keychain-no-ipv6-address")
        assert mine.kept() == docker.keychain.kept()
        return None

    side_by_side(
        compare,
        KEYS,
        share=0.4,
        shows=lambda ends: ends["alike"] > ends["keychain-no-ipv6-address"] > 0,
    )


def test_what_one_has_stored_the_other_answers_and_erases(side_by_side, docker) -> None:
    def compare(key: str) -> str | None:
        server = ServerURL.parse(key)
        docker.keychain = keychain = Keychain()
        if docker.store(key, "user", "of docker"):
            return meant("keychain-no-ipv6-address")
        store = ours(keychain)
        assert store.get(server).secret == "of docker"
        store.store(server, Credential("user", "of ours"))
        assert docker.get(key) == "of ours"
        store.erase(server)
        assert docker.get(key) == _NOT_FOUND
        store.store(server, Credential("user", "of ours"))
        assert docker.run("erase", key) == ("", "")
        with pytest.raises(CredentialsNotFoundError):
            store.get(server)
        return None

    side_by_side(compare, KEYS, share=0.4)


ITEM_PATHS = st.text("a /%#?é\"'()!*;@&=+:[]{}", max_size=8)


def test_a_list_names_each_item_so_that_docker_finds_it(side_by_side, docker) -> None:
    """Names in the two lists may differ; docker's get finds the item by both."""

    def compare(path: str, host: str, port: int) -> list[str]:
        docker.keychain = keychain = Keychain()
        item = {**attributes_of(host), "kSecAttrAccount": "user"}
        item |= {"kSecAttrPath": f"/{path}"} if path else {}
        item |= {"kSecAttrPort": port} if port else {}
        keychain.add(item, b"secret")
        answer, error = docker.run("list")
        assert not error
        (theirs,) = json.loads(answer)
        (mine,) = InternetPasswords(Environment({}), keychain).users()
        assert docker.get(mine) == "secret"
        ends = []
        if is_asked_for(mine):
            assert ours(keychain).list() == {mine: "user"}
            assert ours(keychain).get(ServerURL.parse(mine)).secret == "secret"
        else:
            assert ours(keychain).list() == {}
            ends.append(meant("keychain-no-percent"))
        if "[" in host and not port:
            assert docker.get(theirs) != "secret"
            ends.append(meant("keychain-lists-brackets"))
        elif theirs != mine:
            ends.append(meant("keychain-lists-as-asked"))
        return ends

    hosts, ports = st.sampled_from(("r.io", "[::1]")), st.sampled_from((0, 443, 5000))
    side_by_side(
        *(compare, ITEM_PATHS, hosts, ports),
        share=0.4,
        shows=lambda ends: len(ends) == 4,
    )


GITS = {
    "kSecClass": "kSecClassInternetPassword",
    "kSecAttrProtocol": "htps",
    "kSecAttrAuthenticationType": "dflt",
}


def test_both_store_where_another_program_keeps_the_same_place(
    side_by_side, docker
) -> None:
    """docker deletes each item that its query finds; we delete the conflicting one."""

    def compare(key: str, others: list[tuple[str, str, int]]) -> str | None:
        keychains = Keychain(), Keychain()
        wanted = attributes_of(key)
        for user, path, port in others:
            item = {**GITS, "kSecAttrServer": wanted["kSecAttrServer"]}
            item |= {"kSecAttrAccount": user}
            item |= {"kSecAttrPath": path} if path else {}
            item |= {"kSecAttrPort": port} if port else {}
            for keychain in keychains:
                keychain.add(item, b"of git")
        docker.keychain, mine = keychains
        if docker.store(key, "user", "secret"):
            return meant("keychain-no-ipv6-address")
        ours(mine).store(ServerURL.parse(key), Credential("user", "secret"))
        assert ours(mine).get(ServerURL.parse(key)).secret == "secret"
        left = [item for item, secret in mine.kept() if secret == b"of git"]
        gone = len(others) - len(left)
        place = {n: v for n, v in wanted.items() if n != "kSecAttrLabel"}
        place |= {"kSecAttrAccount": "user"}
        assert gone <= 1
        assert not [i for i in left if place.items() <= i.items() and key_of(i) == key]
        theirs = docker.keychain.kept()
        assert all(one in mine.kept() for one in theirs)
        if len(theirs) < len(mine.kept()):
            return meant("keychain-only-what-is-in-the-way")
        return None

    item = st.tuples(
        st.sampled_from(("user", "other")),
        st.sampled_from(("", "/ns")),
        st.sampled_from((0, 5000)),
    )
    keys = st.sampled_from(("r.io", "https://r.io", "r.io:5000", "r.io/ns", "[::1]"))
    items = st.lists(item, unique=True, max_size=4)
    side_by_side(
        *(compare, keys, items),
        share=0.4,
        shows=lambda ends: ends["keychain-only-what-is-in-the-way"],
    )


def test_docker_takes_no_second_accounts_login_for_its_own(docker) -> None:
    work = ours(docker.keychain, "work")
    work.store(ServerURL.parse("r.io"), Credential("firm", "theirs"))
    assert docker.get("r.io") == _NOT_FOUND
    assert docker.run("list") == ("{}\n", "")
    assert docker.store("r.io", "me", "mine") == ""
    assert work.get(ServerURL.parse("r.io")).secret == "theirs"


def test_a_locked_keychain_is_no_empty_one_to_either(docker) -> None:
    docker.keychain.status = -25308
    assert "may be locked" in docker.get("r.io")
    with pytest.raises(Exception, match="unlock-keychain"):
        ours(docker.keychain).get(ServerURL.parse("r.io"))
