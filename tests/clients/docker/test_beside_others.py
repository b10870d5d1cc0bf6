"""How buildx, docker-py and Rust's docker_credential read docker's file.

`doctor` follows docker. Where one of them differs from docker, the difference is a row
of docs/differences.md.
"""

from __future__ import annotations

import itertools
import json
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from clients.docker.test_beside_docker import Home
from support import oracles
from support.differential import meant
from support.docker_files import CORPUS, HOST, b64, make_helpers, one, written
from support.docker_inputs import QUESTIONS

from dockcred.clients import go_json
from dockcred.clients.docker import read as docker_read
from dockcred.clients.docker.read import DockerFile
from dockcred.clients.reference import HUB_KEY, Reference

Sent = tuple[str, str, str]
NOTHING: Sent = ("", "", "")


@pytest.fixture(scope="session")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_helpers(tmp_path_factory.mktemp("bin"))


def ours(home: Home, registry: str) -> tuple[set[Sent], DockerFile]:
    """Return what docker may send by our reading, without bearer tokens; the file."""
    answers, file = home.ours(registry)
    return {answer[1:4] for answer in answers}, file


def of(answer: dict[str, Any]) -> Sent:
    user, secret, token = (answer[k] or "" for k in ("username", "secret", "token"))
    return user, secret, token


def buildx(home: Home, registry: str) -> Iterator[str]:
    """Compare buildx with docker: it stops at errors where docker's pull goes on."""
    answer = oracles.ask("buildx", home.home, home.variables, registry)
    mine, file = ours(home, registry)
    docker = {of(login) for login in answer["docker"]}
    if answer["error"]:
        assert any(login["error"] for login in answer["docker"])
        if mine != {NOTHING}:
            yield meant("buildx-stops-at-a-failing-helper")
        return
    if not docker <= mine:
        assert is_for_29(file), (answer, mine)
        yield meant("docker-29-reads-on")
    if of(answer) not in docker:
        assert registry == "dhi.io"
        assert not all(any(login.values()) for login in answer["docker"])
        assert of(answer) in {of(login) for login in answer["hub"]}
        # Of an entry that is broken doctor says so, and no more.
        key = Reference(registry).docker_key
        if file.state == "read" and not docker_read.look_up(file, key):
            said = "".join(finding.text for finding in home.doctor(registry))
            assert "buildx alone falls back to Docker Hub's login" in said
            yield "the Hub's login is sent"
        return
    yield "nothing is sent" if of(answer) == NOTHING else "a login is sent"


def is_for_29(file: DockerFile) -> bool:
    """Return whether docker 29, on which buildx is built, may read more than 28."""
    gone = {"experimental", "email"}
    if file.wrong and all(where[-1:] and where[-1] in gone for where, _ in file.wrong):
        return True
    return any("://" in name for name in file.table("auths"))


def docker_py(home: Home, registry: str) -> Sent:
    auth = pytest.importorskip("docker.auth")
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")
        for name, value in home.variables.items():
            patch.setenv(name, value)
        patch.delenv("DOCKER_CONFIG", raising=False)
        name, _ = auth.resolve_repository_name(f"{registry}/x")
        try:
            found = auth.load_config().resolve_authconfig(name) or {}
        except Exception as error:  # noqa: BLE001 - whatever it raises ends it
            return "", "", f"error: {type(error).__name__}"
    fields = {key.lower(): value for key, value in found.items()}
    texts = [fields.get(k) or "" for k in ("username", "password", "identitytoken")]
    user, secret, token = map(str, texts)
    return user, secret, token


def rust(home: Home, registry: str) -> Sent:
    server = "index.docker.io" if registry == "docker.io" else registry
    return of(oracles.ask("docker_credential", home.home, home.variables, server))


class Traits:
    """Parts of a file that other clients read differently from docker."""

    def __init__(self, data: bytes, file: DockerFile, registry: str) -> None:
        self.file = file
        self.is_hub = registry == "docker.io"
        key = Reference(registry).docker_key
        auths = file.table("auths")
        self.found = docker_read.look_up(file, key)
        self.asked = bool(self.found and self.found.helper)
        self.names_of = [auths[name] for name in docker_read.names_of(file, key)]
        self.odd_keys = any("/" in name for name in auths)
        self.odd_names, self.nulls = False, False
        try:
            text = data.decode()
            json.loads(text, object_pairs_hook=self._members)
            self.broken = False
        except (ValueError, RecursionError):
            self.broken = True
        try:
            decoded = docker_read.read(data)
            self.broken |= bool(decoded.rest or decoded.wrong or b"\\ud" in data)
            self.odd_names |= bool(decoded.twice)
        except go_json.BrokenJSONError:
            self.broken = True

    def _members(self, members: list[tuple[str, Any]]) -> dict[str, Any]:
        known = {*docker_read.FIELDS, *docker_read.ENTRY}
        folded = {go_json.folded(name) for name in known}
        for name, _ in members:
            self.odd_names |= name not in known and go_json.folded(name) in folded
        self.nulls |= any(v is None for n, v in members if n not in docker_read.ENTRY)
        return dict(members)

    def auths(self) -> Iterable[str]:
        return [e["auth"] for e in self.file.table("auths").values() if e.get("auth")]


def is_plain(auth: str) -> bool:
    """Return whether every client reads an `auth` in the same way."""
    plain = go_json.read_base64(auth)
    if plain is None or b64(plain) != auth or docker_read.is_refused(auth):
        return False
    try:
        return "\0" not in plain.decode()
    except UnicodeDecodeError:
        return False


def of_docker_py(traits: Traits) -> Iterator[str]:
    entries = traits.file.table("auths").values()
    if traits.broken:
        yield meant("docker-py-json-and-types")
    if traits.odd_names:
        yield meant("docker-py-names")
    nulls = any(entry.get("auth", "") is None for entry in entries)
    if nulls or not all(map(is_plain, traits.auths())) or not all(entries):
        yield meant("docker-py-one-entry-ends-all")
    if any(set(entry) - {"auth"} or entry.get("auth") == "" for entry in entries):
        yield meant("docker-py-auth-alone")
    if traits.is_hub or traits.odd_keys:
        yield meant("docker-py-hosts")
    if traits.asked or not all(traits.file.table("credHelpers").values()):
        yield meant("docker-py-helpers")


def of_rust(traits: Traits) -> Iterator[str]:
    entries = traits.file.table("auths").values()
    if traits.broken or traits.nulls:
        yield meant("rust-json-and-types")
    if traits.odd_names:
        yield meant("rust-names")
    odd = not all(map(is_plain, traits.auths()))
    if odd or any(
        set(entry) - {"auth"} or entry.get("auth") == "" for entry in entries
    ):
        yield meant("rust-auth")
    if traits.is_hub or traits.odd_keys:
        yield meant("rust-hosts")
    if traits.asked or "credsStore" in traits.file.content:
        yield meant("rust-store-last")


CLIENTS = {"docker-py": (docker_py, of_docker_py), "rust": (rust, of_rust)}


def compare(client: str, home: Home, data: bytes, registry: str) -> Iterator[str]:
    """Fail if a client's answer differs from docker's, and no row is the reason."""
    ask, reasons = CLIENTS[client]
    sent = ask(home, registry)
    mine, file = ours(home, registry)
    if sent in mine:
        yield "nothing is sent" if sent == NOTHING else "a login is sent"
        return
    found = list(reasons(Traits(data, file, registry)))
    assert found, (sent, mine, data)
    yield from found


@pytest.mark.slow
@pytest.mark.parametrize("client", CLIENTS)
def test_the_corpus(client: str, tmp_path: Path, path: str) -> None:
    ends: Counter[str] = Counter()
    for content in CORPUS.values():
        for registry in (HOST, "docker.io"):
            home = Home(tmp_path, path, written(content), b"")
            ends.update(compare(client, home, written(content), registry))
    assert ends["a login is sent"] > 15, ends
    assert {name for name in ends if name.startswith(client)} == {
        name for name in ROWS if name.startswith(client)
    }


ROWS = (
    *("docker-py-json-and-types", "docker-py-names", "docker-py-one-entry-ends-all"),
    *("docker-py-auth-alone", "docker-py-hosts", "docker-py-helpers"),
    *("rust-json-and-types", "rust-names", "rust-auth", "rust-hosts"),
    "rust-store-last",
)


@pytest.mark.slow
@pytest.mark.parametrize("client", CLIENTS)
def test_generated_files(side_by_side, client: str, tmp_path: Path, path: str) -> None:
    number = itertools.count()

    def run(question: tuple[bytes, bytes, str]) -> list[str]:
        content, _, registry = question
        place = tmp_path / str(next(number))
        place.mkdir()
        home = Home(place, path, content, b"")
        return list(compare(client, home, content, registry))

    side_by_side(run, QUESTIONS, share=0.4)


@pytest.mark.slow
def test_buildx_and_the_corpus(tmp_path: Path, path: str) -> None:
    ends: Counter[str] = Counter()
    for content in CORPUS.values():
        for registry in (HOST, "docker.io", "dhi.io"):
            ends.update(buildx(Home(tmp_path, path, written(content), b""), registry))
    assert ends["the Hub's login is sent"]
    assert ends["buildx-stops-at-a-failing-helper"]
    assert ends["a login is sent"] > 30, ends


@pytest.mark.slow
def test_buildx_and_generated_files(side_by_side, tmp_path: Path, path: str) -> None:
    number = itertools.count()

    def run(question: tuple[bytes, bytes, str]) -> list[str]:
        content, variable, registry = question
        place = tmp_path / str(next(number))
        place.mkdir()
        return list(buildx(Home(place, path, content, variable), registry))

    side_by_side(run, QUESTIONS, share=0.3)


@pytest.mark.parametrize("host", ["dhi.io", "registry.scout.docker.com"])
def test_buildx_alone_asks_what_the_hub_backs_with_its_login(
    host: str, tmp_path: Path, path: str
) -> None:
    home = Home(tmp_path, path, written(one(HUB_KEY)), b"")
    assert of(oracles.ask("buildx", tmp_path, home.variables, host))[0] == "me"
    assert not any(any(answer) for answer in home.theirs(host)[0])
    said = "".join(finding.text for finding in home.doctor(host))
    assert "buildx alone falls back to Docker Hub's login" in said
    assert of(oracles.ask("buildx", tmp_path, home.variables, "other.io")) == NOTHING


@pytest.mark.parametrize("host", ["dhi.io", HOST])
def test_buildx_reads_keys_as_the_docker_of_which_it_is_made(
    host: str, tmp_path: Path, path: str
) -> None:
    content = written({"auths": {f" https://{host}": {"username": "me"}}})
    found = list(buildx(Home(tmp_path, path, content, b""), host))
    assert found == [meant("docker-29-reads-on"), "a login is sent"]


def test_buildx_reads_files_of_its_own_first(tmp_path: Path, path: str) -> None:
    home = Home(tmp_path, path, written(one(HOST)), b"")
    file = tmp_path / ".docker/buildx/config" / HOST / "config.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(one(HOST, {"username": "job", "password": "pw"})))
    assert of(oracles.ask("buildx", tmp_path, home.variables, HOST))[0] == "job"
    assert {user for user, *_ in ours(home, HOST)[0]} == {"me"}
    assert meant("buildx-has-files-of-its-own")
