"""The fast reader of config.json, for `list`, finds the same hosts as the full one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dockcred import clients
from dockcred.clients.docker import read
from dockcred.system.environment import Environment

st = pytest.importorskip("hypothesis.strategies")

OURS = {"auto", "ecr-login"}
HOST = st.sampled_from(["r.example", "r.example:5000", "HTTPS://x/v1/", "", "a b"])
HELPER = st.sampled_from(["auto", "ecr-login", "Auto", "desktop", "", "auto "])
LOGIN = st.sampled_from([{}, {"auth": "bWU6cHc="}, {"username": "me"}, {"email": ""}])
FILE = st.dictionaries(
    st.sampled_from(["credHelpers", "credhelpers", "CREDHELPERS", "other", "proxies"]),
    st.dictionaries(HOST, HELPER, max_size=3),
    max_size=3,
)
LOGINS = st.dictionaries(
    st.sampled_from(["auths", "Auths", "AUTHS"]),
    st.dictionaries(HOST, LOGIN, max_size=3),
    max_size=2,
)


def both(path: Path) -> tuple[list[str], list[str]]:
    environment = Environment({"DOCKER_CONFIG": str(path)})
    strict = read.config_file(environment).content
    quick = clients.plain_docker_content(environment)
    named = (clients.hosts_left_to(OURS, content) for content in (quick, strict))
    found, wanted = map(sorted, named)
    return found, wanted


def test_of_generated_files(side_by_side, tmp_path: Path) -> None:
    def compare(files: tuple[dict[str, object], dict[str, object]]) -> None:
        text = json.dumps(files[0] | files[1], indent="\t")
        (tmp_path / "config.json").write_text(text)
        found, wanted = both(tmp_path)
        assert found == wanted, text

    side_by_side(compare, st.tuples(FILE, LOGINS))


UNUSUAL = {
    "a byte-order mark": b'\xef\xbb\xbf{"credHelpers": {"r.example": "auto"}}',
    "UTF-16": '{"credHelpers": {"r.example": "auto"}}'.encode("utf-16"),
    "an escape": b'{"credHelpers": {"r.\\u0065xample": "auto"}}',
    "a letter that folds": '{"credHelper\u017f": {"r.example": "auto"}}'.encode(),
    "text behind it": b'{"credHelpers": {"r.example": "auto"}}\n// end',
    "half a file": b'{"credHelpers": {"r.example": "auto"}',
    "nothing": b"",
    "deep": b"[" * 100_000,
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_what_is_unusual_is_left_to_the_whole_reader(name: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(UNUSUAL[name])
    with pytest.raises(ValueError):  # noqa: PT011 - any of them
        clients.plain_docker_content(Environment({"DOCKER_CONFIG": str(tmp_path)}))


ODD = {
    "a list": b"[1]",
    "a text": b'"credHelpers"',
    "null": b"null",
    "helpers in a list": b'{"credHelpers": [], "auths": 5}',
    "a helper that is no text": b'{"credHelpers": {"a": {}, "b": [], "r": "auto"}}',
}


@pytest.mark.parametrize("name", ODD)
def test_odd_values(name: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(ODD[name])
    found, wanted = both(tmp_path)
    assert found == wanted


def test_no_file_is_no_host(tmp_path: Path) -> None:
    for variables in ({"DOCKER_CONFIG": str(tmp_path)}, {"HOME": str(tmp_path)}):
        assert clients.plain_docker_content(Environment(variables)) == {}
