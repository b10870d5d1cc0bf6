"""The login of a developer's tool: its YAML, and the cached verdicts on its token."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from dockcred.identity import tool_login
from dockcred.system.environment import Environment


@pytest.fixture
def here(tmp_path):
    return Environment({"HOME": str(tmp_path), "DOCKCRED_CACHE_DIR": str(tmp_path)})


def test_who_asks_at_once_asks_once(here):
    asked = []

    def look():
        asked.append(1)
        time.sleep(0.2)
        return "good", 60.0

    def once(_):
        return tool_login.remembered("gitlab", "glpat-x", "gitlab.com", here, look)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(once, range(8))) == {"good"}
    assert len(asked) == 1


def test_what_is_remembered_is_of_one_token_at_one_place(here, tmp_path):
    said = iter(("a", "b", "c"))

    def ask(token, where):
        return tool_login.remembered(
            "gitlab", token, where, here, lambda: (next(said), 60.0)
        )

    assert [ask("x", "1"), ask("y", "1"), ask("x", "2")] == ["a", "b", "c"]
    assert [ask("x", "1"), ask("y", "1"), ask("x", "2")] == ["a", "b", "c"]
    assert all("-verdict," in path.name for path in tmp_path.glob("gitlab*"))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a: b\n", {"a": "b"}),
        (
            "a:\n  b:\n    c: d\n  e: f\ng: h\n",
            {"a": {"b": {"c": "d"}, "e": "f"}, "g": "h"},
        ),
        ("a.b:80:\n  c: x:1,y:2\n", {"a.b:80": {"c": "x:1,y:2"}}),
        ("a: !!null b\n", {"a": "b"}),
        ("a:\n", {"a": ""}),
        ("a: 'b'\nc: \"d\"\n", {"a": "b", "c": "d"}),
        ("# c\n\na: b\r\n", {"a": "b"}),
        (f"{'a' * 1024}: b", {"a" * 1024: "b"}),
        (f"'{'a' * 1022}': b", {"a" * 1022: "b"}),
    ],
)
def test_mappings_of_words_are_read(text, found):
    assert tool_login.read(text, "!!null ") == found


@pytest.mark.parametrize(
    "text",
    [
        *("a: !!str b", "a: b # c", "a: [b]", "a: {b: c}", "- a", "a: |", "a: b: c"),
        *("a", "a:b", "a: b:", "a: b\n  c: d", "a:\n   b: c\n  d: e", "a: b\na: c"),
        *(
            "\ta: b",
            "a: \tb",
            "a: ,b",
            "a: :b",
            "a: @b",
            ": a",
            "a: b # \x0b",
            "#\x0b",
            "#\x7f",
            "# b\ra: b",
            "\r a: b",
            "a: &b",
            "a: *b",
            "---",
            f"{'a' * 1025}: b",
            f"'{'a' * 1023}': b",
        ),
    ],
)
def test_anything_else_is_for_the_tool(text):
    with pytest.raises(ValueError, match=r"word|mapping|name|nothing|character"):
        tool_login.read(text, "!!null ")
