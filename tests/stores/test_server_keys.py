"""A table of which stored key answers which request."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockcred.clients.reference import HUB_NAMES
from dockcred.credential import ServerURL
from dockcred.stores import server_keys

HUB = "https://index.docker.io/v1/"

SAME = [
    # kept, asked
    ("r.io", "https://r.io"),
    ("https://r.io", "r.io"),
    ("http://r.io", "r.io"),
    ("r.io", "http://r.io"),
    ("r.io:443", "r.io"),
    ("https://r.io/v1/", "r.io"),
    ("https://r.io/v2", "https://r.io:443/"),
    ("R.io", "r.io."),
    ("r.io:80", "http://r.io"),
    ("https://r.io:5000/v2/", "r.io:5000"),
    (HUB, "docker.io"),
    (HUB, "index.docker.io"),
    (HUB, "https://registry-1.docker.io/v2/"),
    ("docker.io", HUB),
    ("[::1]:5000", "http://[::1]:5000"),
]
DIFFERENT = [
    ("https://r.io", "http://r.io"),
    ("r.io:5000", "r.io"),
    ("r.io", "r.io:5000"),
    ("r.io:80", "https://r.io"),
    ("r.io", "a.r.io"),
    ("r.io", "r.io.evil.com"),
    ("evilr.io", "r.io"),
    ("r.io/ns", "r.io"),
    ("r.io/v1/ns", "r.io"),
    (HUB, f"{HUB}access-token"),
    (f"{HUB}access-token", HUB),
    (f"{HUB}access-token", f"{HUB}refresh-token"),
    ("docker.io:5000", HUB),
]


@pytest.mark.parametrize(("kept", "asked"), SAME)
def test_forms_of_one_registry_are_the_same(kept, asked):
    assert server_keys.same(ServerURL.parse(asked), [kept]) == [kept]
    assert server_keys.nearest(ServerURL.parse(asked), [kept]) == [kept]


@pytest.mark.parametrize(("kept", "asked"), DIFFERENT)
def test_other_registries_ports_and_hub_keys_are_not(kept, asked):
    assert server_keys.same(ServerURL.parse(asked), [kept]) == []


@pytest.mark.parametrize(
    ("asked", "order"),
    [
        ("r.io/a/b/c", ["r.io/a/b", "r.io/a", "r.io"]),
        ("r.io/a/bc", ["r.io/a", "r.io"]),
        ("r.io/ab", ["r.io"]),
        ("index.docker.io/library/alpine", [HUB]),
        (f"{HUB}refresh-token", []),
    ],
)
def test_the_nearest_namespace_above_serves_a_repository(asked, order):
    kept = ["r.io", "r.io/a", "r.io/a/b", HUB, f"{HUB}access-token"]
    assert server_keys.nearest(ServerURL.parse(asked), kept) == order


def test_keys_that_no_request_can_name_answer_none():
    strange = ["", " r.io", "user@r.io", "ftp://r.io", "r.io#work", "r\n.io"]
    assert server_keys.nearest(ServerURL.parse("r.io"), strange) == []


HOSTS = st.from_regex(r"[a-z]{1,8}(\.[a-z]{1,8}){0,2}", fullmatch=True)


@given(one=HOSTS, other=HOSTS, port=st.sampled_from(["", ":5000", ":443"]))
def test_a_credential_never_answers_for_another_host(one, other, port):
    found = server_keys.nearest(ServerURL.parse(other + port), [one + port])
    hub = HUB_NAMES
    assert bool(found) == (one == other or {one, other} <= hub)
