"""An edit changes one key; order, indentation, comments and unknown keys stay."""

from __future__ import annotations

import json
import tomllib

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from dockcred.clients import edit as clients_edit
from dockcred.clients.edit import ABSENT, WantedValue, json_text, toml_text
from dockcred.errors import InvalidInputError

HOST = ("credHelpers", "a.example")

PUT = {
    "nothing": ("", '{\n\t"credHelpers": {}\n}\n'),
    "an empty object": ("{}", '{\n\t"credHelpers": {}\n}'),
    "docker's tabs": (
        '{\n\t"auths": {}\n}',
        '{\n\t"auths": {},\n\t"credHelpers": {}\n}',
    ),
    "four blanks": (
        '{\n    "a": 1,\n    "b": 2\n}\n',
        '{\n    "a": 1,\n    "b": 2,\n    "credHelpers": {}\n}\n',
    ),
    "one line": ('{"a": 1}\n', '{"a": 1, "credHelpers": {}}\n'),
    "no blanks": ('{"a":1,"b":2}', '{"a":1,"b":2,"credHelpers":{}}'),
    "Windows' lines": (
        '{\r\n  "a": 1\r\n}\r\n',
        '{\r\n  "a": 1,\r\n  "credHelpers": {}\r\n}\r\n',
    ),
    "braces in a text": (
        '{\n  "a": "}\\"{"\n}',
        '{\n  "a": "}\\"{",\n  "credHelpers": {}\n}',
    ),
    "null": ('{"credHelpers": null}', '{"credHelpers": {}}'),
}


@pytest.mark.parametrize("before, after", PUT.values(), ids=PUT.keys())
def test_a_new_key_comes_last_and_looks_like_its_neighbours(
    before: str, after: str
) -> None:
    assert json_text.put(before, ("credHelpers",), {}) == after


def test_a_key_goes_into_an_inner_object() -> None:
    text = '{\n\t"credHelpers": {\n\t\t"b": "x"\n\t},\n\t"z": 1\n}'
    after = json_text.put(text, HOST, "auto")
    assert after == (
        '{\n\t"credHelpers": {\n\t\t"b": "x",\n\t\t"a.example": "auto"\n\t},\n\t"z": 1\n}'
    )
    assert json_text.drop(after, HOST) == text


def test_an_empty_inner_object_is_opened() -> None:
    after = json_text.put('{\n  "credHelpers": {}\n}', HOST, "auto")
    assert after == '{\n  "credHelpers": {\n    "a.example": "auto"\n  }\n}'


def test_a_top_level_name_counts_whatever_its_case_as_it_does_to_go() -> None:
    assert json_text.get('{"CREDSSTORE": "x"}', ("credsStore",)) == "x"
    after = json_text.put('{"CREDSSTORE": "x"}', ("credsStore",), "auto")
    assert after == '{"CREDSSTORE": "auto"}'


def test_a_host_counts_with_its_case() -> None:
    assert json_text.get('{"credHelpers": {"A.example": "x"}}', HOST) is ABSENT


@pytest.mark.parametrize(
    "text", ["[]", "{", '{"a": 1}}', '"x"', "\ufeff{}", "[" * 9999]
)
def test_what_is_not_one_json_object_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="not"):
        json_text.get(text, ("credsStore",))


leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=9), inner, max_size=4)
    ),
    max_leaves=12,
)
hosts = st.text(min_size=1, max_size=9)
configs = st.dictionaries(
    st.text(max_size=9).filter(
        lambda n: n.casefold() not in {"credhelpers", "credsstore"}
    ),
    values,
    max_size=5,
)
styles = st.sampled_from(
    [{"indent": "\t"}, {"indent": 2}, {}, {"separators": (",", ":")}, {"indent": 0}]
)


@given(
    config=configs,
    helpers=st.dictionaries(hosts, hosts, max_size=3),
    style=styles,
    ascii_only=st.booleans(),
    host=hosts,
    helper=hosts,
)
def test_whatever_the_text_one_key_changes_and_comes_back(
    config: dict, helpers: dict, style: dict, ascii_only: bool, host: str, helper: str
) -> None:
    config["credHelpers"] = helpers
    text = json.dumps(config, ensure_ascii=ascii_only, **style)
    wanted = [
        WantedValue(("credHelpers", host), helper),
        WantedValue(("credsStore",), helper),
    ]
    after, changes = clients_edit.apply(json_text, text, wanted)
    helpers_after = {**helpers, host: helper}
    assert json.loads(after) == {
        **config, "credHelpers": helpers_after, "credsStore": helper
    }  # fmt: skip
    back, lost = clients_edit.revert(json_text, after, changes)
    assert lost == []
    assert json.loads(back) == json.loads(text)
    assert list(json.loads(back)) == list(config)


TOML = """\
# Who may be asked.
unqualified-search-registries = ["docker.io"] # the usual one

[[registry]]
location = "mirror.example" # ours
"""
KEY = ("credential-helpers",)


def test_toml_keeps_comments_and_tables() -> None:
    after = toml_text.put(TOML, KEY, ["auto", "containers-auth.json"])
    assert tomllib.loads(after)["credential-helpers"] == [
        "auto",
        "containers-auth.json",
    ]
    assert after.endswith(TOML)
    assert toml_text.drop(after, KEY) == TOML


def test_toml_keeps_the_comment_behind_a_value_that_changes() -> None:
    text = f'credential-helpers = ["pass"] # of old\n{TOML}'
    after = toml_text.put(text, KEY, ["auto", "pass"])
    assert after == f'credential-helpers = ["auto", "pass"] # of old\n{TOML}'


def test_what_is_not_toml_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="not TOML"):
        toml_text.get("credential-helpers = [", KEY)


toml_leaves = st.booleans() | st.integers(-(2**62), 2**62) | st.text(max_size=9)
toml_tables = st.dictionaries(
    st.text(max_size=9), toml_leaves | st.lists(st.text(max_size=5)), max_size=4
)


@given(top=toml_tables, table=toml_tables, helpers=st.lists(hosts, max_size=3))
def test_whatever_the_toml_one_key_changes_and_comes_back(
    top: dict, table: dict, helpers: list[str]
) -> None:

    text = tomlkit.dumps({**top, "registry": [table, table], "aliases": table})
    after, changes = clients_edit.apply(toml_text, text, [WantedValue(KEY, helpers)])
    assert tomllib.loads(after) == {**tomllib.loads(text), KEY[0]: helpers}
    back, lost = clients_edit.revert(toml_text, after, changes)
    assert lost == []
    assert back == text
