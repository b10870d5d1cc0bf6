"""Compare how we and other libraries read docker's file.

crane, ko and kaniko use go-containerregistry; oras and helm use oras-go.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import oracles
from support.differential import meant
from support.docker_files import CORPUS, HELPERS, A, B, b64

from dockcred.clients import entries, files, formats, helm
from dockcred.clients.docker import crane
from dockcred.clients.docker import read as docker_read
from dockcred.clients.files import Found
from dockcred.clients.findings import Severity
from dockcred.clients.reference import HUB_KEY, Reference
from dockcred.commands.doctor import entries as doctor
from dockcred.commands.doctor.case import Case
from dockcred.commands.exec_.carried import Others
from dockcred.errors import InvalidInputError
from dockcred.system.environment import Environment

hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies
pytestmark = pytest.mark.slow

HOST = "r.example:5000"
ASKED = (f"{HOST}/team/app", "docker.io/library/x")
ORACLES = {
    "crane": "go_containerregistry",
    helm.ORAS: "oras_go",
    helm.HELM: "helm_registry",
}
Answer = tuple[str, str, str, str]
NOTHING: Answer = ("", "", "", "")
STOPS: Answer = ("", "", "", "an error")
CHANCE = "by chance"
DOCKERS = ".docker/config.json"
HELMS = ".config/helm/registry/config.json"


@pytest.fixture(scope="session")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a PATH with helpers, but none that a client asks by default."""
    place = tmp_path_factory.mktemp("bin")
    for name, body in HELPERS.items():
        file = place / f"docker-credential-{name}"
        file.write_text(f"#!/bin/sh\n{body}\n")
        file.chmod(0o755)
    os.symlink("/bin/sh", place / "sh")
    return str(place)


def theirs(client: str, variables: dict[str, str], asked: str) -> Answer:
    found = oracles.ask(ORACLES[client], variables["HOME"], variables, asked)
    if found["error"]:
        return STOPS
    user, secret, token, bearer = (
        found[name] or "" for name in ("username", "secret", "token", "bearer")
    )
    return user, secret, token, bearer


def look_up(client: str, asked: str, environment: Environment) -> Iterator[Found]:
    if client == "crane":
        return crane.look_up(Reference(asked), environment)
    return helm.look_up(client, Reference(asked), environment)


def ours(client: str, variables: dict[str, str], asked: str) -> set[Answer]:
    """Return every answer that the client may give by our reading."""
    environment = Environment(variables)
    answers: set[Answer] = set()
    try:
        for found in look_up(client, asked, environment):
            if found.helper:
                one = from_helper(found, environment)
                if one:
                    return answers | {one}
                continue
            sent = [from_entry(state) for state in (found.entry or {}, *found.others)]
            answers |= set(sent) - {NOTHING}
            if NOTHING not in sent:
                return answers
    except InvalidInputError:
        return {STOPS}
    return answers | {NOTHING}


def from_helper(found: Found, environment: Environment) -> Answer | None:
    program = files.chosen(f"docker-credential-{found.helper}", environment.get("PATH"))
    answer = files.ask(program or "/nobody", found.asks, environment, 10)
    if answer.problem:
        return STOPS
    if answer.credential is None:
        return None
    if answer.credential.username == entries.TOKEN:
        return ("", "", answer.credential.secret, "")
    return (answer.credential.username, answer.credential.secret, "", "")


def from_entry(entry: Any) -> Answer:
    try:
        entries.decode(entry)
    except ValueError:
        return STOPS
    return (
        entry["username"],
        entry["password"],
        entry["identitytoken"],
        entry["registrytoken"],
    )


def sent(answer: Answer) -> Answer:
    """Return the part of an answer that helm sends: an identity token goes alone."""
    token, bearer = answer[2:]
    if bearer:
        return ("", "", "", bearer)
    return ("", "", token, "") if token else answer


def compare(client: str, variables: dict[str, str], asked: str) -> str | None:
    """Fail if we and the library differ; return the difference if it is intended."""
    right, mine = theirs(client, variables, asked), ours(client, variables, asked)
    if client == helm.HELM:
        right, mine = sent(right), {sent(answer) for answer in mine}
    if client == "crane" and right[3] and right not in mine and right != STOPS:
        assert (*right[:3], "") in mine
        assert any(f.helper for f in look_up(client, asked, Environment(variables)))
        return meant("crane-bearer-beside-helper")
    assert right in mine, (client, asked, right, mine)
    told = says(client, variables, asked)
    if told is not None:
        assert told == (right if len(mine) == 1 else CHANCE), (asked, told, mine)
    return None


def says(client: str, variables: dict[str, str], asked: str) -> object:
    """Return the doctor's verdict on the file: NOTHING, STOPS or CHANCE.

    Returns None if a helper is asked, or if an entry is sent.
    """
    case = Case(Reference(asked), Environment(variables))
    try:
        for found in look_up(client, asked, case.environment):
            told = list(doctor.check_place(found, case, client))
            if found.helper:
                return None
            if doctor.is_chance(found):
                assert told[-1].severity is Severity.ERROR
                return CHANCE
            if from_entry(found.entry) == STOPS:
                assert told[-1].severity is Severity.ERROR
                return STOPS
            if from_entry(found.entry) != NOTHING:
                assert "no login" not in told[-1].text
                return None
    except InvalidInputError:
        return STOPS
    return NOTHING


def written(content: object) -> bytes:
    return content if isinstance(content, bytes) else json.dumps(content).encode()


def write(home: Path, name: str, content: object) -> None:
    file = home / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(written(content))


@pytest.mark.parametrize("client", ["crane", helm.ORAS])
def test_the_corpus_of_docker(client: str, tmp_path: Path, path: str) -> None:
    variables = {"HOME": str(tmp_path), "PATH": path}
    wrong, meant_too = [], set()
    for name, content in CORPUS.items():
        write(tmp_path, DOCKERS, content)
        for asked in ASKED:
            try:
                meant_too.add(compare(client, variables, asked))
            except AssertionError as error:
                wrong.append((name, asked, str(error).splitlines()[0]))
    assert not wrong, "\n".join(map(str, wrong))
    assert (client == "crane") == ("crane-bearer-beside-helper" in meant_too)


def test_the_corpus_as_helm_s_own(tmp_path: Path, path: str) -> None:
    """`check helm` reports an error wherever helm stops, except at a helper."""
    variables = {"HOME": str(tmp_path), "PATH": path}
    wrong = []
    for name, content in CORPUS.items():
        write(tmp_path, HELMS, content)
        found = formats.check("helm", written(content))
        worst = max((f.severity for f in found), default=Severity.FINE)
        for asked in ASKED:
            try:
                compare(helm.HELM, variables, asked)
                stops = theirs(helm.HELM, variables, asked) == STOPS
                is_helper = name.startswith(("a failing helper", "a helper that is"))
                assert not stops or is_helper or worst is Severity.ERROR, "check helm"
            except AssertionError as error:
                wrong.append((name, asked, str(error).splitlines()[0]))
    assert not wrong, "\n".join(map(str, wrong))


ENTRIES: dict[str, Any] = {
    "a": A,
    "b": B,
    "stub": {},
    "null": None,
    "a token": {"identitytoken": "id"},
    "a token and a user": A | {"identitytoken": "id"},
    "a bearer": {"registrytoken": "bearer"},
    "fields": {"username": "u", "password": "p"},
    "in capitals": {"AUTH": A["auth"]},
    "null auth": {"auth": None},
    "a number": {"auth": 5},
    "an odd email": A | {"email": 5},
    "a list": [],
    "no base64": {"auth": "!"},
    "no colon": {"auth": b64("mepw")},
    "no user": {"auth": b64(":pw")},
    "unpadded": {"auth": "bWU6cHc"},
    "zeros": {"auth": b64("me:pw\0")},
}
KEYS = (
    HOST,
    f"{HOST}/team",
    f"{HOST}/team/app",
    f"https://{HOST}",
    f"http://{HOST}/v1/",
    f"HTTPS://{HOST}/",
    f"ht tp://{HOST}",
    HOST.upper(),
    HUB_KEY,
    "https://index.docker.io/v2/",
    "index.docker.io",
    "docker.io",
    "registry-1.docker.io",
    "index.docker.io/library/x",
    "other.example",
)
TABLES = st.one_of(
    st.dictionaries(
        st.sampled_from(KEYS), st.sampled_from(list(ENTRIES.values())), max_size=3
    ),
    st.sampled_from([None, [], {}]),
)
NAMES = st.sampled_from(("x", "token", "empty", "fails", "nobody", "", None))
HELPER_TABLES = st.dictionaries(st.sampled_from(KEYS), NAMES, max_size=2)
FILES = st.fixed_dictionaries(
    {},
    optional={
        "auths": TABLES,
        "Auths": TABLES,
        "credHelpers": HELPER_TABLES,
        "CREDHELPERS": HELPER_TABLES,
        "credsStore": NAMES,
        "credsstore": NAMES,
        "experimental": st.booleans(),
        "features": st.just({"buildkit": True}),
    },
)
TEXTS = st.one_of(
    FILES.map(lambda content: json.dumps(content).encode()),
    FILES.map(lambda content: json.dumps(content).encode()),
    st.sampled_from([b"", b" \n", b"null", b"{", b"[]", b"\xef\xbb\xbf{}", b"{} {}"]),
)
PLACES = (
    DOCKERS,
    "named/config.json",
    HELMS,
    "helm/registry/config.json",
    "xdg/helm/registry/config.json",
    "own.json",
    "run/containers/auth.json",
    ".config/containers/auth.json",
    "xdg/containers/auth.json",
    "auth.json",
)
VARIABLES = {
    "DOCKER_CONFIG": "named",
    "HELM_REGISTRY_CONFIG": "own.json",
    "HELM_CONFIG_HOME": "helm",
    "XDG_CONFIG_HOME": "xdg",
    "XDG_RUNTIME_DIR": "run",
    "REGISTRY_AUTH_FILE": "auth.json",
}
NAMED = st.sampled_from(
    (
        *ASKED,
        HOST,
        f"{HOST}/team",
        "docker.io",
        "index.docker.io/library/x",
        "registry-1.docker.io/library/x",
        "other.example/a",
    )
)


@pytest.mark.parametrize("client", ORACLES)
def test_one_file(side_by_side, client: str, path: str) -> None:
    def one(content: bytes, asked: str) -> str | None:
        with tempfile.TemporaryDirectory() as home:
            write(Path(home), HELMS if client == helm.HELM else DOCKERS, content)
            return compare(client, {"HOME": home, "PATH": path}, asked)

    side_by_side(one, TEXTS, NAMED, share=0.15)


@pytest.mark.parametrize("client", ORACLES)
def test_files_and_variables(side_by_side, client: str, path: str) -> None:
    """Which of the files is read first, and which is read after it."""

    def one(texts: dict[str, bytes], named: set[str], asked: str) -> str | None:
        with tempfile.TemporaryDirectory() as home:
            for place, content in texts.items():
                write(Path(home), place, content)
            variables = {name: f"{home}/{VARIABLES[name]}" for name in named}
            return compare(client, variables | {"HOME": home, "PATH": path}, asked)

    texts = st.dictionaries(st.sampled_from(PLACES), TEXTS, min_size=1, max_size=4)
    named = st.sets(st.sampled_from(sorted(VARIABLES)), max_size=3)
    side_by_side(one, texts, named, NAMED, share=0.15)


@pytest.mark.parametrize("client", ORACLES)
def test_a_store_that_no_file_names(client: str, tmp_path: Path, path: str) -> None:
    """helm asks such a store, as docker does; crane and oras do not."""
    place = tmp_path / "bin/docker-credential-secretservice"
    write(tmp_path, "bin/docker-credential-secretservice", b"")
    place.write_text(f"#!/bin/sh\n{HELPERS['x']}\n")
    place.chmod(0o755)
    variables = {"HOME": str(tmp_path), "PATH": f"{place.parent}:{path}"}
    for content in ({}, {"auths": {}}, {"auths": {"o": A}}, {"credHelpers": {"o": ""}}):
        write(tmp_path, DOCKERS, content)
        write(tmp_path, HELMS, content)
        compare(client, variables, HOST)
    write(tmp_path, DOCKERS, {})
    assert (theirs(client, variables, HOST) == NOTHING) == (client != helm.HELM)


def under_exec(home: Path) -> dict[str, str]:
    """Write the files that exec writes for another registry; return its variables."""
    others = Others(["mine.example"], only=False)
    contents = {
        "private/config.json": others.of_docker(str(home / DOCKERS)),
        "private/helm.json": others.of_helm(str(home / HELMS)),
    }
    for place, content in contents.items():
        theirs_too = content.get("credHelpers") or {}
        write(
            home, place, content | {"credHelpers": {"mine.example": "x"} | theirs_too}
        )
    return {
        "DOCKER_CONFIG": f"{home}/private",
        "HELM_REGISTRY_CONFIG": f"{home}/private/helm.json",
    }


def is_read_otherwise(file: Path) -> bool:
    """Return whether docker reads a file differently from the other libraries."""
    docker, oras = docker_read.DockerFile(str(file)), helm.OrasFile(str(file))
    names = {name for name in oras.whole if name not in docker_read.FIELDS}
    return bool(
        docker.wrong or docker.refused or names & (oras.whole.keys() - docker.others)
    )


@pytest.mark.parametrize("client", ORACLES)
def test_exec_leaves_other_logins_as_they_are(
    client: str, tmp_path: Path, path: str
) -> None:
    variables = {"HOME": str(tmp_path), "PATH": path}
    wrong, meant_too = [], 0
    for name, content in CORPUS.items():
        write(tmp_path, DOCKERS, content)
        write(tmp_path, HELMS, content)
        try:
            private = under_exec(tmp_path)
        except InvalidInputError:
            continue  # refused, with the file's name
        for asked in ASKED:
            before = theirs(client, variables, asked)
            after = theirs(client, variables | private, asked)
            # If several keys are for one registry, the library takes any of them.
            may = ours(client, variables, asked)
            if before in {after, STOPS} or {before, after} <= may:
                continue
            if is_read_otherwise(tmp_path / DOCKERS):
                meant_too += bool(meant("exec-has-what-docker-has"))
            else:
                wrong.append((name, asked, before, after))
    assert not wrong, "\n".join(map(str, wrong))
    assert meant_too
