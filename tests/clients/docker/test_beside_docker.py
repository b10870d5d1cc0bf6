"""Compare how we and docker/cli's own code read docker's config.json."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import oracles
from support.differential import meant
from support.docker_files import (
    A_VARIABLE,
    CORPUS,
    HOST,
    VARIABLES,
    make_helpers,
    one,
    written,
)
from support.docker_inputs import QUESTIONS
from support.program import BUSY_S

from dockcred.api import sources
from dockcred.clients import entries, files
from dockcred.clients.docker import read as docker_read
from dockcred.clients.edit import ABSENT, json_text
from dockcred.clients.findings import Finding, Severity
from dockcred.clients.reference import Reference
from dockcred.commands.doctor import client_files
from dockcred.commands.doctor.case import Case
from dockcred.credential import Credential
from dockcred.errors import CredentialsNotFoundError, IssueError
from dockcred.stores.auth_file import AuthFile
from dockcred.system.environment import Environment

Answer = tuple[str | None, str, str, str, str]
TOLD = re.compile(r"the user (.*), stored", re.DOTALL)


@pytest.fixture(scope="session")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Make the helpers that the files name; return a PATH that has them."""
    return make_helpers(tmp_path_factory.mktemp("bin"))


class Home:
    """A home with a config.json and variables, which both we and docker read."""

    def __init__(self, home: Path, path: str, content: bytes, variable: bytes) -> None:
        file = home / ".docker/config.json"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content)
        self.home = home
        self.variables = {"HOME": str(home), "PATH": path}
        if variable:
            text = variable.decode("utf-8", "surrogateescape")
            self.variables["DOCKER_AUTH_CONFIG"] = text
        self.environment = Environment(self.variables)

    def theirs(self, registry: str) -> tuple[set[Answer], dict[str, Any]]:
        """Return every answer of docker's own code, and the first with all fields."""
        first = oracles.ask("docker_cli", self.home, self.variables, registry)
        found: set[Answer] = set()
        for answer in (first, *first.get("others", ())):
            keys = ("username", "secret", "identitytoken", "token")
            user, secret, identity, bearer = (answer[k] or "" for k in keys)
            found.add((answer["asked"], user, secret, identity, bearer))
        return found, first

    def ours(self, registry: str) -> tuple[set[Answer], docker_read.DockerFile]:
        """Return every answer that docker may give by our reading, and the file."""
        file = docker_read.config_file(self.environment)
        found = docker_read.look_up(file, Reference(registry).docker_key)
        if found is None:
            return {(None, "", "", "", "")}, file
        asked = f"docker-credential-{found.helper}" if found.helper else None
        states = [found.entry or {}, *found.others]
        if found.helper in {"x", "token", "empty"}:
            user, secret, token = {
                "x": ("kept", "pw-x", ""),
                "token": ("", "", "id"),
                "empty": ("", "", ""),
            }[found.helper]
            bearers = {state.get("registrytoken") or "" for state in states}
            return {(asked, user, secret, token, bearer) for bearer in bearers}, file
        return {(asked, *_sent(state)) for state in states}, file

    def rendered(self, registry: str) -> Credential | IssueError | None:
        """Return what `render --source docker` would write; None for no login."""
        try:
            ask = sources.named("docker", self.environment)
            return ask(Reference(registry), self.environment, time.monotonic() + BUSY_S)
        except CredentialsNotFoundError:
            return None
        except IssueError as error:
            return error

    def doctor(self, registry: str) -> list[Finding]:
        """Return the doctor's findings for the file and for the registry in it."""
        case = Case(Reference(registry), self.environment)
        checks = client_files.check_file(self.environment, case)
        said = []
        try:
            while True:
                said.append(next(checks))
        except StopIteration as end:
            return [*said, *client_files.check(case, end.value)]


def _sent(entry: Any) -> tuple[str, str, str, str]:
    user, secret = entry.get("username") or "", entry.get("password") or ""
    if auth := entry.get("auth"):
        held = entries.decode_auth(auth)
        user, secret = held.username, held.password
    token, bearer = entry.get("identitytoken"), entry.get("registrytoken")
    return user, secret, token or "", bearer or ""


def compare(home: Home, registry: str) -> Iterator[str]:
    """Ask both; fail if they differ; yield the outcomes and intended differences."""
    right, first = home.theirs(registry)
    mine, read = home.ours(registry)
    # docker chooses by chance: 65 answers may still lack one of ours.
    assert right <= mine
    assert len(mine) == 1 or len(right) == 1 or not first["asked"]
    is_broken = read.state == files.NOT_JSON or bool(read.wrong or read.refused)
    assert is_broken is bool(first["warning"]), (read, first["warning"])
    variable = home.variables.get("DOCKER_AUTH_CONFIG", "")
    assert bool(docker_read.passed_over(variable)) is bool(first["variable"])
    if first["asked"]:
        yield "a helper is asked"
    else:
        yield "a login is sent" if any(map(any, right)) else "nothing is sent"
    yield from compare_rendered(home.rendered(registry), right, mine)
    compare_doctor(home.doctor(registry), first["asked"], mine)
    key = Reference(registry).docker_key
    is_sure = not first["asked"] and len(mine) == 1 and key not in read.first
    if is_sure and key in read.table("auths"):
        compare_imported(home, key, _login(next(iter(mine))))


def compare_rendered(
    got: Credential | IssueError | None, right: set[Answer], mine: set[Answer]
) -> Iterator[str]:
    logins = {
        ("<token>", identity) if identity else (user, secret)
        for _, user, secret, identity, _ in right
    }
    some = {login for login in logins if any(login)}
    bearers = {bearer for *_, bearer in right if bearer}
    if bearers:
        yield meant("docker-registry-token")
    if isinstance(got, Credential):
        if len(mine) > 1:
            yield meant("docker-takes-either")
            # Chance decides between a login and none; two logins would be an error.
            whose = {_login(answer) for answer in mine} - {("", "")}
            assert whose == {(got.username, got.secret)}
        else:
            assert (got.username, got.secret) in some
        if got.username == "<token>" and not any(answer[3] for answer in right):
            yield meant("docker-token-for-a-password")
    elif got is None:
        assert not some or len(mine) > 1
    elif len(mine) > 1:
        yield meant("docker-takes-either")
    elif some:
        assert "\ufffd" in repr(some), (got, some)
        yield meant("docker-sends-what-is-no-text")


def _login(answer: Answer) -> tuple[str, str]:
    _, user, secret, identity, _ = answer
    return ("<token>", identity) if identity else (user, secret)


def compare_imported(home: Home, key: str, sent: tuple[str, str]) -> None:
    """A login with user and secret that docker sends is imported, and no other."""
    source = AuthFile(f"{home.home}/.docker/config.json")
    found = source.read(key)
    got = (found.username, found.secret) if found else None
    # Bytes that are not text may be left out: docker-sends-what-is-no-text.
    assert got == (sent if all(sent) else None) or "\ufffd" in repr(sent)
    entry = docker_read.config_file(home.environment).table("auths")[key]
    if not any(sent) and entry.get("auth") and not entry.get("registrytoken"):
        assert key in source.undecoded()


def compare_doctor(said: list[Finding], asked: str | None, mine: set[Answer]) -> None:
    texts = "\n".join(finding.text for finding in said)
    users = {match[1] for match in map(TOLD.search, (f.text for f in said)) if match}
    if asked:
        assert asked.removeprefix("docker-credential-") in texts
        assert not users
    elif len(mine) > 1:
        assert max(finding.severity for finding in said) >= Severity.WARNING, texts
    elif not any(next(iter(mine))):
        assert not users, texts
    else:
        assert "anonymously" not in texts
        (answer,) = mine
        told = "holds an identity token", "holds a registry token", "ends in", "no text"
        said_so = users == {answer[1]} or any(words in texts for words in told)
        is_hint = max(finding.severity for finding in said) is Severity.ERROR
        assert said_so or is_hint, (texts, mine)


@pytest.mark.parametrize("name", CORPUS)
@pytest.mark.parametrize("registry", [HOST, "docker.io"])
def test_a_file_of_the_corpus(
    name: str, registry: str, tmp_path: Path, path: str
) -> None:
    list(compare(Home(tmp_path, path, written(CORPUS[name]), b""), registry))


@pytest.mark.slow
def test_generated_files(side_by_side, tmp_path: Path, path: str) -> None:
    number = itertools.count()

    def run(question: tuple[bytes, bytes, str]) -> list[str]:
        content, variable, registry = question
        place = tmp_path / str(next(number))
        place.mkdir()
        return list(compare(Home(place, path, content, variable), registry))

    side_by_side(
        *(run, QUESTIONS),
        share=0.5,
        shows=lambda ends: min(ends["a login is sent"], ends["a helper is asked"]) > 5,
    )


@pytest.mark.parametrize("content", [one(HOST), {"credsStore": "x"}, {}])
@pytest.mark.parametrize("name", VARIABLES)
def test_the_variable(name: str, content: object, tmp_path: Path, path: str) -> None:
    data = VARIABLES[name].encode("utf-8", "surrogateescape")
    list(compare(Home(tmp_path, path, written(content), data), HOST))


def test_the_variable_comes_before_every_helper(tmp_path: Path, path: str) -> None:
    home = Home(tmp_path, path, b'{"credsStore": "x"}', A_VARIABLE.encode())
    right, first = home.theirs(HOST)
    assert first["asked"] is None
    assert {answer[1] for answer in right} == {"me"}
    assert "auths" in "".join(
        f.text for f in home.doctor(HOST) if "me, stored" in f.text
    )
    assert isinstance(home.rendered(HOST), Credential)


@pytest.mark.parametrize(
    "content, name, state",
    [
        (
            b'{"x": ' + b"[" * 9_000 + b"]" * 9_000 + b", " + A_VARIABLE.encode()[1:],
            meant("docker-deep-nesting"),
            files.TOO_DEEP,
        ),
        (
            b'{"x": "' + b"x" * 5_000_000 + b'", ' + A_VARIABLE.encode()[1:],
            meant("docker-large-file"),
            files.TOO_LARGE,
        ),
    ],
)
def test_what_docker_reads_and_we_do_not_is_told(
    content: bytes, name: str, state: str, tmp_path: Path, path: str
) -> None:
    """We raise an error; we do not report that there is no login."""
    home = Home(tmp_path, path, content, b"")
    assert {answer[1] for answer in home.theirs(HOST)[0]} == {"me"}
    assert isinstance(home.rendered(HOST), IssueError)
    (finding,) = (f for f in home.doctor(HOST) if state in f.text)
    assert finding.severity is Severity.ERROR
    assert "not JSON" not in finding.text
    assert name.startswith("docker-")


def test_docker_compares_hosts_as_they_are_written(tmp_path: Path, path: str) -> None:
    home = Home(tmp_path, path, written(one("r.example")), b"")
    right, _ = home.theirs("R.example")
    assert not any(any(answer) for answer in right)
    found = home.rendered("R.example")
    assert isinstance(found, Credential)
    assert found.username == "me"
    assert meant("docker-upper-case-host")


@pytest.mark.parametrize(
    "text",
    [
        '{"credHelpers": {"HOST": "x", "HOST": "x"}}',
        '{"credHelpers": {"HOST": "x"}, "credHelpers": {"HOST": "x"}}',
        '{"credHelpers": {"HOST": "x"}, "CREDHELPERS": {"a": "x"}}',
        '{"credHelpers": {}, "CREDHELPERS": {"HOST": "x"}, "CREDHELPERS": {"a": "x"}}',
    ],
)
def test_of_a_name_that_stands_twice_docker_asks_what_we_have_written(
    text: str, tmp_path: Path, path: str
) -> None:
    place = ("credHelpers", HOST)
    before = text.replace("HOST", HOST)
    changed = json_text.put(before, place, "token")
    dropped = json_text.drop(changed, place)
    for now, said in ((before, "x"), (changed, "token"), (dropped, ABSENT)):
        assert json_text.get(now, place) == said, now
        answers, _ = Home(tmp_path, path, now.encode(), b"").theirs(HOST)
        asked = {answer[0] for answer in answers}
        if said is ABSENT:
            assert asked <= {None, "docker-credential-pass"}, now  # docker's default
        else:
            assert asked == {f"docker-credential-{said}"}, now
