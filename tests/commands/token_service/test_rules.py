"""Compare rules and globs with a small model that shares no code with them."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dockcred.commands.token_service.request import Access
from dockcred.commands.token_service.rule import Glob, Rule, grant

TABLE = [
    ("team/app", "team/app", True),
    ("team/app", "team/apps", False),
    ("team/app", "xteam/app", False),
    ("team/*", "team/app", True),
    ("team/*", "team/a/b", False),
    ("team/*", "team", False),
    ("team/**", "team/a/b", True),
    ("team/**", "team", False),
    ("team/**", "teams/a", False),
    ("**/app", "a/b/app", True),
    ("**/app", "app", False),
    ("**", "a/b:c", True),
    ("a/**/b", "a/x/b", True),
    ("a/**/b", "a/b", False),
    ("refs/heads/release-?", "refs/heads/release-1", True),
    ("refs/heads/release-?", "refs/heads/release-10", False),
    ("refs/heads/release-?", "refs/heads/release-/", False),
    ("repo:octo/*:ref:refs/heads/main", "repo:octo/app:ref:refs/heads/main", True),
    ("repo:octo/*:ref:refs/heads/main", "repo:octo/a:x:ref:refs/heads/main", False),
    ("*", "", False),
    ("*", "a\n", True),
    ("a.c", "abc", False),
    ("a[bc]", "ab", False),
    ("a+", "aa", False),
    ("App", "app", False),
]


@pytest.mark.parametrize(("pattern", "value", "matches"), TABLE)
def test_the_table(pattern: str, value: str, matches: bool):
    assert Glob(pattern).matches(value) == matches == model_matches(pattern, value)


def model_matches(pattern: str, value: str) -> bool:
    """Return whether the glob matches, by trying every way: slow but simple."""
    if not value:
        return False

    def from_(p: int, v: int) -> bool:
        if p == len(pattern):
            return v == len(value)
        if pattern[p : p + 2] == "**":
            return any(from_(p + 2, to) for to in range(v + 1, len(value) + 1))
        here = v < len(value) and value[v] not in "/:"
        if pattern[p] == "*":
            return from_(p + 1, v) or (here and from_(p, v + 1))
        if pattern[p] == "?":
            return here and from_(p + 1, v + 1)
        return v < len(value) and value[v] == pattern[p] and from_(p + 1, v + 1)

    return from_(0, 0)


PIECES = st.lists(st.sampled_from(["a", "b", "*", "?", ":", "aa"]), max_size=5)
SEGMENT = PIECES.map("".join).filter(lambda text: "**" not in text)
SEGMENTS = st.lists(SEGMENT, min_size=1, max_size=3)


@st.composite
def patterns(draw) -> str:
    segments = draw(SEGMENTS)
    if draw(st.booleans()):
        segments.insert(draw(st.integers(0, len(segments))), "**")
    return "/".join(segments)


VALUES = st.text("ab:/", max_size=9)


@settings(deadline=None)
@given(patterns().filter(bool), VALUES)
@example("*a*b*", "aab")
@example("*?:*", "b:")
@example("**/*", "a/b")
@example("a*b*a", "a/ba")
def test_a_glob_means_what_the_model_says(pattern: str, value: str):
    assert Glob(pattern).matches(value) == model_matches(pattern, value)


LONG = [
    ("*a" * 5 + "b", "a" * 120),
    ("*a" * 200 + "b", "a" * 1000),
    ("?*" * 200 + "b", "a" * 1000),
    ("**/" + "*a" * 100 + "/b", "a/" + "a" * 1000),
]


def test_no_pattern_takes_long():
    """Patterns with many wildcards, and long values that fail only at the end."""
    for pattern, value in LONG:
        started = time.process_time()
        assert not Glob(pattern).matches(value)
        assert time.process_time() - started < 1


def test_what_is_longer_than_names_are_matches_nothing():
    assert Glob("**").matches("a" * 1024)
    assert not Glob("**").matches("a" * 1025)


NAMES = st.sampled_from(["a/a", "a/b", "b/a", "a", "h:1/a"])
ACTIONS = st.frozensets(st.sampled_from(["pull", "push", "delete"]), min_size=1)
CLAIM = st.sampled_from(["ref", "groups", "id", "protected"])
SCALAR = st.one_of(
    st.sampled_from(["a", "b", "a/b", "", "true", "1"]),
    st.integers(0, 2),
    st.booleans(),
    st.none(),
    st.just(1.0),
)
CLAIMS = st.dictionaries(
    CLAIM, st.one_of(SCALAR, st.lists(SCALAR, max_size=3), st.just({"a": "b"}))
)
GLOBS = st.lists(
    st.sampled_from(["a", "a/*", "*", "**", "true", "1", "?"]), min_size=1, max_size=2
)


@st.composite
def rules(draw) -> tuple:
    """Return one rule as a tuple, from which both the model and Rule are made."""
    return (
        draw(st.sampled_from(["", "one", "two"])),
        draw(st.dictionaries(CLAIM, GLOBS, max_size=2)),
        draw(GLOBS),
        draw(ACTIONS),
        draw(st.booleans()),
    )


def model_grants(rule, issuer: str, claims, kind: str, name: str, action: str) -> bool:
    theirs, conditions, repositories, actions, catalog = rule
    if theirs != issuer:
        return False
    for claim, globs in conditions.items():
        said = claims.get(claim)
        words = []
        for one in said if isinstance(said, list) else [said]:
            if one is True or one is False:
                words.append(str(one).lower())
            elif isinstance(one, (str, int)):
                words.append(f"{one}")
        if not any(model_matches(g, w) for g, w in itertools.product(globs, words)):
            return False
    if (kind, name) == ("registry", "catalog"):
        return catalog and action == "*"
    named = any(model_matches(glob, name) for glob in repositories)
    return kind == "repository" and named and action in actions


ASKED = st.lists(
    st.one_of(
        st.tuples(st.just("repository"), NAMES),
        st.just(("registry", "catalog")),
        st.just(("other", "a")),
    ),
    unique=True,
    max_size=4,
)
WANTED = st.frozensets(st.sampled_from(["pull", "push", "delete", "*", "odd"]))


@settings(deadline=None)
@given(
    st.lists(rules(), max_size=4),
    st.sampled_from(["one", "two", "three"]),
    CLAIMS,
    ASKED.flatmap(
        lambda names: st.tuples(*(st.tuples(st.just(n), WANTED) for n in names))
    ),
)
@example(
    written=[("two", {}, ["*"], frozenset({"pull"}), False)],
    issuer="one",
    claims={},
    asked=((("repository", "a"), frozenset({"pull"})),),
)
def test_what_is_granted_is_what_the_model_allows(written, issuer, claims, asked):
    """An action on a resource is granted if, and only if, one rule allows it."""
    compiled = [
        Rule.of_words("it", theirs, conditions, repositories, actions, catalog=catalog)
        for theirs, conditions, repositories, actions, catalog in written
    ]
    granted = grant(
        [rule for rule in compiled if rule.admits(issuer, claims)],
        [Access(kind, name, actions) for (kind, name), actions in asked],
    )
    found = {
        (access.type, access.name, action)
        for access in granted
        for action in access.actions
    }
    expected = {
        (kind, name, action)
        for (kind, name), wanted in asked
        for action in ("pull", "push", "delete", "*", "odd")
        if (action in wanted or "*" in wanted)
        and any(model_grants(r, issuer, claims, kind, name, action) for r in written)
    }
    assert found == expected
    assert all(access.actions for access in granted)


def test_a_rule_of_two_claims_wants_both():
    rule = Rule.of_words(
        "it", "one", {"sub": ["a"], "ref": ["b"]}, ["*"], ["pull"], catalog=False
    )
    assert rule.admits("one", {"sub": "a", "ref": "b"})
    assert not rule.admits("one", {"sub": "a", "ref": "c"})
    assert not rule.admits("one", {"sub": "c", "ref": "b"})
    assert not rule.admits("one", {"sub": "a"})


def test_what_was_not_asked_for_is_not_granted():
    rule = Rule.of_words(
        "it", "one", {"sub": ["a"]}, ["*"], ["pull", "push"], catalog=False
    )
    asked = Access("repository", "b", frozenset({"pull"}))
    (granted,) = grant([rule], [asked])
    assert set(granted.actions) == {"pull"}
