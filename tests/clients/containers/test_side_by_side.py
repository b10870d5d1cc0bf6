"""Compare how we and containers/image (of podman 5 and 6) read podman's files."""

from __future__ import annotations

import base64
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
from support import oracles
from support.differential import meant
from support.program import BUSY_S

from dockcred.api import sources
from dockcred.clients.containers import read
from dockcred.clients.reference import Reference
from dockcred.errors import CredentialsNotFoundError, DockcredError, IssueError
from dockcred.system.environment import Environment

hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies

PODMAN_5, PODMAN_6 = "containers_image_5_39", "containers_image_5_42"
OF = {PODMAN_5: read.PODMAN_5, PODMAN_6: read.PODMAN_6}
HOST = "r.example"
HELPER = """#!/bin/sh
key=$(cat)
case $0 in
*none) echo credentials not found in native keychain; exit 1 ;;
*fails) echo no luck; exit 1 ;;
*token) printf '{"Username":"<token>","Secret":"of %s"}' "$key" ;;
*) printf '{"Username":"%s","Secret":"%s"}' "${0##*/}" "$key" ;;
esac
"""
NAMES = ("here", "none", "fails", "token")


def auth(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def person(home: Path) -> dict[str, str]:
    """Make helpers in an empty home; return the variables of its person."""
    (home / "bin").mkdir(parents=True)
    (home / "run").mkdir()
    for name in NAMES:
        program = home / f"bin/docker-credential-{name}"
        program.write_text(HELPER)
        program.chmod(0o755)
    path = f"{home}/bin:/usr/bin:/bin"
    return {"HOME": str(home), "PATH": path, "XDG_RUNTIME_DIR": f"{home}/run"}


def write(path: Path, text: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def ours(variables: dict[str, str], asked: str) -> tuple[str, ...]:
    """Return what we would send: user and secret, a token, "error", or () for none."""
    environment = Environment(variables)
    source = sources.named("containers", environment)
    deadline = time.monotonic() + BUSY_S
    try:
        found = source(Reference(asked), environment, deadline)
    except CredentialsNotFoundError:
        return ()
    except DockcredError:
        return ("error",)
    if found.username == "<token>":
        return ("token", found.secret)
    return (found.username, found.secret)


def theirs(name: str, variables: dict[str, str], asked: str) -> tuple[str, ...]:
    answer = oracles.ask(name, variables["HOME"], variables, asked)
    if answer["error"]:
        return ("error",)
    if answer["token"]:
        return ("token", answer["token"])
    pair = (answer["username"] or "", answer["secret"] or "")
    return pair if any(pair) else ()


GOOD = auth("u:p")
ENTRIES: dict[str, Any] = {
    "good": {"auth": GOOD},
    "another": {"auth": auth("v:q")},
    "stub": {},
    "null": None,
    "no colon": {"auth": auth("up")},
    "no base64": {"auth": "%%%"},
    "colon alone": {"auth": auth(":")},
    "token": {"auth": auth("t:"), "identitytoken": "id"},
    "token alone": {"identitytoken": "id"},
    "no auth": {"username": "u", "password": "p"},
    "a number": {"auth": 1},
    "a list": [],
    "in capitals": {"AUTH": GOOD},
    "null auth": {"auth": None},
    "zeros": {"auth": auth("u:p\0\0")},
    "lines": {"auth": GOOD[:4] + "\r\n" + GOOD[4:]},
}
KEYS = (
    HOST,
    f"{HOST}/team",
    f"{HOST}/team/app",
    f"{HOST}/lucky",
    f"https://{HOST}",
    f"http://{HOST}/v1/",
    f"HTTPS://{HOST}",
    f"{HOST}/",
    f"{HOST}/v1/",
    HOST.upper(),
    "other.example",
)
ASKED = (HOST, f"{HOST}/team/app", f"{HOST}/other", f"{HOST}/team")

# The content of a file and the name that is asked for, by the rule that is tested.
CORPUS: dict[str, tuple[bytes, str]] = {
    "a path is never cut off": (
        json.dumps({"auths": {f"{HOST}/lucky": {"auth": GOOD}}}).encode(),
        f"{HOST}/other",
    ),
    "nor for the host": (
        json.dumps({"auths": {f"{HOST}/lucky": {"auth": GOOD}}}).encode(),
        HOST,
    ),
    "behind a scheme it is": (
        json.dumps({"auths": {f"https://{HOST}/lucky": {"auth": GOOD}}}).encode(),
        f"{HOST}/other",
    ),
    "a slash at its end": (
        json.dumps({"auths": {f"{HOST}/": {"auth": GOOD}}}).encode(),
        HOST,
    ),
    "a scheme in capitals": (
        json.dumps({"auths": {f"HTTPS://{HOST}": {"auth": GOOD}}}).encode(),
        HOST,
    ),
    "a stub hides what is above it": (
        json.dumps({"auths": {f"{HOST}/team": {}, HOST: {"auth": GOOD}}}).encode(),
        f"{HOST}/team/app",
    ),
    "no bytes": (b"", HOST),
    "blanks": (b" \n", HOST),
    "null": (b"null", HOST),
    "a list": (b"[]", HOST),
    "a mark": (b"\xef\xbb\xbf{}", HOST),
    "UTF-16": ("{}".encode("utf-16"), HOST),
    "NaN": (b'{"x": NaN}', HOST),
    "two values": (b"{} {}", HOST),
    "a number of another key": (
        json.dumps({"auths": {HOST: {"auth": GOOD}, "x": {"auth": 1}}}).encode(),
        HOST,
    ),
    "a broken auth of another key": (
        json.dumps({"auths": {HOST: {"auth": GOOD}, "x": {"auth": "%"}}}).encode(),
        HOST,
    ),
    "another shape of what is docker's": (
        json.dumps({"auths": {HOST: {"auth": GOOD}}, "credsStore": 1}).encode(),
        HOST,
    ),
    "names in capitals": (
        json.dumps({"AUTHS": {HOST: {"Auth": GOOD}}}).encode(),
        HOST,
    ),
    "a long s": (
        f'{{"auth\u017f": {{"{HOST}": {{"auth": "{GOOD}"}}}}}}'.encode(),
        HOST,
    ),
    "two tables are joined": (
        f'{{"auths": {{"{HOST}": {{"auth": "{GOOD}"}}}}, "auths": {{}}}}'.encode(),
        HOST,
    ),
    "null takes a table away": (
        f'{{"auths": {{"{HOST}": {{"auth": "{GOOD}"}}}}, "auths": null}}'.encode(),
        HOST,
    ),
    "of two keys the last": (
        f'{{"auths": {{"{HOST}": {{"auth": "{GOOD}"}}, "{HOST}": {{}}}}}}'.encode(),
        HOST,
    ),
    "bytes that are no text": (
        b'{"x": "\xff", "auths": {"r.example": {"auth": "' + GOOD.encode() + b'"}}}',
        HOST,
    ),
    "a helper": (json.dumps({"credHelpers": {HOST: "here"}}).encode(), f"{HOST}/a"),
    "a helper of no name": (
        json.dumps(
            {"credHelpers": {HOST: ""}, "auths": {HOST: {"auth": GOOD}}}
        ).encode(),
        HOST,
    ),
    "a helper of null": (
        json.dumps(
            {"credHelpers": {HOST: None}, "auths": {HOST: {"auth": GOOD}}}
        ).encode(),
        HOST,
    ),
    "a helper that is a number": (
        json.dumps({"credHelpers": {"x": 1}, "auths": {HOST: {"auth": GOOD}}}).encode(),
        HOST,
    ),
    "a helper by namespace": (
        json.dumps({"credHelpers": {f"{HOST}/a": "here"}}).encode(),
        f"{HOST}/a",
    ),
    "docker's name of Docker Hub": (
        json.dumps({"auths": {"https://index.docker.io/v1/": {"auth": GOOD}}}).encode(),
        "docker.io/library/x",
    ),
    "another name of Docker Hub": (
        json.dumps({"auths": {"registry-1.docker.io": {"auth": GOOD}}}).encode(),
        "docker.io/library/x",
    ),
    "no name of Docker Hub": (
        json.dumps({"auths": {"registry.hub.docker.com": {"auth": GOOD}}}).encode(),
        "docker.io/library/x",
    ),
}


@pytest.mark.parametrize("name", sorted(CORPUS))
@pytest.mark.parametrize("oracle", OF)
def test_one_file(tmp_path: Path, oracle: str, name: str) -> None:
    data, asked = CORPUS[name]
    variables = person(tmp_path)
    write(tmp_path / ".config/containers/auth.json", data)
    assert ours(variables, asked) == theirs(oracle, variables, asked)


@pytest.mark.parametrize("oracle", OF)
def test_dockers_old_file(tmp_path: Path, oracle: str) -> None:
    variables = person(tmp_path)
    for content in (
        {f"https://{HOST}/v1/": {"auth": GOOD}},
        {f"{HOST}/team": {"auth": GOOD}},
        {"credHelpers": {HOST: "here"}},
        {"auths": {HOST: {"auth": GOOD}}},
    ):
        write(tmp_path / ".dockercfg", json.dumps(content))
        found = ours(variables, f"{HOST}/a")
        assert found == theirs(oracle, variables, f"{HOST}/a"), content


@pytest.mark.parametrize("oracle", OF)
@pytest.mark.parametrize("second", [{HOST: {"auth": GOOD}}, {}])
@pytest.mark.parametrize(
    "first",
    [
        {"auths": {HOST: {}}},
        {"credHelpers": {HOST: "none"}},
        {"credHelpers": {HOST: "fails"}},
        {"auths": {HOST: {"auth": auth("up")}}},
        {"auths": []},
        "",
    ],
)
def test_the_file_behind(
    tmp_path: Path, oracle: str, first: object, second: object
) -> None:
    """A file without a login is followed by the next one; a broken file is not."""
    variables = person(tmp_path)
    text = first if isinstance(first, str) else json.dumps(first)
    write(tmp_path / ".config/containers/auth.json", text)
    write(tmp_path / ".docker/config.json", json.dumps({"auths": second}))
    assert ours(variables, HOST) == theirs(oracle, variables, HOST)


def test_of_two_keys_for_one_registry_either_is_taken(tmp_path: Path) -> None:
    """A map in Go has no order, so podman takes any of them: ours must be one."""
    variables = person(tmp_path)
    keys = (f"https://{HOST}", f"http://{HOST}", f"https://{HOST}/v2/")
    table = {key: {"auth": auth(f"u{n}:p")} for n, key in enumerate(keys)}
    path = tmp_path / ".config/containers/auth.json"
    write(path, json.dumps({"auths": table}))
    seen = {theirs(PODMAN_6, variables, HOST) for _ in range(64)}
    assert len(seen) > 1
    assert ours(variables, HOST) in seen
    assert read.rivals(read.PodmanFile(str(path)), Reference(HOST)) == list(keys)


CONF = "credential-helpers = {}\n"
PLACES = {
    "below the home": ".config/containers/registries.conf",
    "a drop-in below the home": ".config/containers/registries.conf.d/50.conf",
    "hidden": ".config/containers/registries.conf.d/.60.conf",
    "of XDG": "xdg/containers/registries.conf",
    "a drop-in of XDG": "xdg/containers/registries.conf.d/50.conf",
    "the system's": "root/etc/containers/registries.conf",
    "the system's drop-in": "root/etc/containers/registries.conf.d/50.conf",
    "the system's for root": "root/etc/containers/registries.rootful.conf.d/50.conf",
    "for others": "root/etc/containers/registries.rootless.conf.d/50.conf",
    "the vendor's": "root/usr/share/containers/registries.conf",
    "the vendor's drop-in": "root/usr/share/containers/registries.conf.d/70.conf",
    "named": "named.conf",
    "named last": "last.conf",
    "no drop-in": ".config/containers/registries.conf.d/99.toml",
}
LISTS = ('["here"]', '["token"]', '["none", "here"]', "[]", '["containers-auth.json"]')


def compare_registries(oracle: str, files: dict[str, str], *, xdg: bool) -> str | None:
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        variables = person(home)
        if xdg:
            variables["XDG_CONFIG_HOME"] = f"{home}/xdg"
        for name, text in files.items():
            write(home / PLACES[name], CONF.format(text))
        if "named" in files:
            variables["CONTAINERS_REGISTRIES_CONF"] = f"{home}/named.conf"
        if "named last" in files:
            last = "CONTAINERS_REGISTRIES_CONF_OVERRIDE"
            variables[last] = f"{home}/last.conf"
        root = f"{home}/root"
        answer = theirs(oracle, variables | {"ORACLE_ROOT": root}, HOST)
        names = read.helpers(Environment(variables), OF[oracle], root)
        first = next((name for name in names if name in {"here", "token"}), "")
        sent = {
            "here": ("docker-credential-here", HOST),
            "token": ("token", f"of {HOST}"),
        }
        assert answer == sent.get(first, ()), (names, files)
    return None


@pytest.mark.parametrize("oracle", OF)
def test_each_place_of_registries_conf(oracle: str) -> None:
    for name in PLACES:
        for xdg in (False, True):
            compare_registries(oracle, {name: '["here"]'}, xdg=xdg)


@pytest.mark.slow
@pytest.mark.parametrize("oracle", OF)
def test_places_of_registries_conf(side_by_side, oracle: str) -> None:
    places = st.dictionaries(st.sampled_from(sorted(PLACES)), st.sampled_from(LISTS))
    side_by_side(
        lambda files, xdg: compare_registries(oracle, files, xdg=xdg),
        places,
        st.booleans(),
        share=0.15,
    )


@pytest.mark.parametrize("oracle", OF)
def test_a_directory_that_is_a_link(tmp_path: Path, oracle: str) -> None:
    """Programs that manage dotfiles make such links; podman 5 does not follow them."""
    variables = person(tmp_path)
    write(tmp_path / "dots/50.conf", CONF.format('["here"]'))
    place = tmp_path / ".config/containers/registries.conf.d"
    place.parent.mkdir(parents=True)
    os.symlink(tmp_path / "dots", place)
    names = read.helpers(Environment(variables), OF[oracle], f"{tmp_path}/root")
    variables["ORACLE_ROOT"] = f"{tmp_path}/root"
    assert (names == ("here",)) == bool(theirs(oracle, variables, HOST))
    assert (names == ("here",)) == (oracle == PODMAN_6)


TABLES = st.dictionaries(
    st.sampled_from(KEYS), st.sampled_from(list(ENTRIES.values())), max_size=4
)
FILES = st.fixed_dictionaries(
    {},
    optional={
        "auths": TABLES,
        "Auths": TABLES,
        "credHelpers": st.dictionaries(
            st.sampled_from((HOST, f"{HOST}/team", "other.example")),
            st.sampled_from(("here", "none", "fails", "token", "", None)),
            max_size=2,
        ),
        "credsStore": st.just("here"),
    },
)


@pytest.mark.slow
@pytest.mark.parametrize("oracle", OF)
def test_files(side_by_side, oracle: str) -> None:
    def compare(
        first: dict[str, Any], second: dict[str, Any], asked: str
    ) -> str | None:
        with tempfile.TemporaryDirectory() as directory:
            home = Path(directory)
            variables = person(home)
            write(home / ".config/containers/auth.json", json.dumps(first))
            write(home / ".docker/config.json", json.dumps(second))
            files = list(read.auth_files(Environment(variables)))
            if any(len(read.rivals(file, Reference(asked))) > 1 for file in files):
                return meant("podman-takes-either")
            assert ours(variables, asked) == theirs(oracle, variables, asked)
        return None

    side_by_side(compare, FILES, FILES, st.sampled_from(ASKED), share=0.3)


def test_a_password_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """podman sends the bytes unchanged; ours must be text, so we refuse them."""
    variables = person(tmp_path)
    entry = {"auth": base64.b64encode(b"u:\xff").decode()}
    text = json.dumps({"auths": {HOST: entry}})
    write(tmp_path / ".config/containers/auth.json", text)
    assert theirs(PODMAN_6, variables, HOST)[0] == "u"
    environment = Environment(variables)
    source = sources.named("containers", environment)
    with pytest.raises(IssueError):
        source(Reference(HOST), environment, time.monotonic() + BUSY_S)
    assert meant("podman-sends-bytes")


def test_behind_a_file_that_is_named_old_versions_read_on(tmp_path: Path) -> None:
    variables = person(tmp_path)
    variables["REGISTRY_AUTH_FILE"] = str(write(tmp_path / "named.json", "{}"))
    text = json.dumps({"auths": {HOST: {"auth": GOOD}}})
    write(tmp_path / ".config/containers/auth.json", text)
    assert theirs(PODMAN_5, variables, HOST) == ()
    assert ours(variables, HOST) == ("u", "p")
    assert meant("podman-reads-on")
