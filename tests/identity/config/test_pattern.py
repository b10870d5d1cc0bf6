"""Patterns match whole hosts, label by label, and the more specific one weighs more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockcred.credential import ServerURL
from dockcred.errors import InvalidInputError
from dockcred.identity.config.load import Pattern

MATCHES = [
    ("r.example", "r.example"),
    ("r.example", "https://R.example:443/v2/"),
    ("r.example:5000", "r.example:5000"),
    ("*.r.example", "a.r.example"),
    ("*.dkr.ecr.*.amazonaws.com", "123456789012.dkr.ecr.eu-west-1.amazonaws.com"),
    ("team-*.example", "team-a.example"),
    ("te?m.example", "team.example"),
    ("r.example/team", "r.example/team"),
    ("r.example/team", "r.example/team/app"),
    ("r.example", "r.example/team"),
]
DIFFERS = [
    ("r.example", "x.r.example"),
    ("r.example", "r.example.evil.example"),
    ("*.r.example", "r.example"),
    ("*.r.example", "a.b.r.example"),
    ("r.example", "rxexample"),
    ("r.example:5000", "r.example"),
    ("r.example/team", "r.example/teams"),
    ("r.example/team", "r.example"),
    ("te?m.example", "tem.example"),
]


@pytest.mark.parametrize(("pattern", "server"), MATCHES)
def test_matches(pattern: str, server: str) -> None:
    assert Pattern(pattern).matches(ServerURL.parse(server))


@pytest.mark.parametrize(("pattern", "server"), DIFFERS)
def test_does_not_match(pattern: str, server: str) -> None:
    assert not Pattern(pattern).matches(ServerURL.parse(server))


@pytest.mark.parametrize(
    "text", ["*", "*.*", "", "a..b", "a b", "ä.example", "[a].b", "?"]
)
def test_a_pattern_of_nothing_or_everything_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError):
        Pattern(text)


def test_weights_go_from_path_over_labels_to_letters() -> None:
    """A longer path beats more literal labels, and those beat more letters."""
    ordered = [
        "*.*.example",
        "*.a.example",
        "x*.a.example",
        "x.a.example",
        "*.a.example/t",
    ]
    weights = [Pattern(text).weight for text in ordered]
    assert weights == sorted(weights)
    assert len(set(weights)) == len(weights)


label = st.text("abc-", min_size=1, max_size=6)


@given(st.lists(label, min_size=1, max_size=4), st.lists(label, min_size=1, max_size=4))
def test_a_pattern_without_a_glob_matches_its_own_host_only(one, other) -> None:
    pattern = Pattern(".".join(one))
    assert pattern.matches(ServerURL.parse(".".join(other))) == (one == other)
