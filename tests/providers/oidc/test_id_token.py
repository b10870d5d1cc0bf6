"""Our checks of a token are compared with PyJWT: what it refuses, we refuse."""

from __future__ import annotations

import base64
import json
import time

import jwt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dockcred.errors import DockcredError
from dockcred.providers.oidc import id_token
from dockcred.system.environment import Environment

WANTED = "https://registry.example.com"
ENVIRONMENT = Environment({id_token.AUDIENCE: WANTED})

audiences = st.one_of(
    st.none(),
    st.sampled_from([WANTED, WANTED + "/", WANTED[:-1], "", "*"]),
    st.lists(st.sampled_from([WANTED, WANTED + ".evil", "other"]), max_size=3),
    st.integers(),
    st.dictionaries(st.just(WANTED), st.booleans(), max_size=1),
)
# A tuple holds seconds from the time of the test; this module is loaded long before.
ends = st.one_of(
    st.none(),
    st.tuples(st.integers(-7200, -60) | st.integers(60, 7200)),
    st.floats(),
    st.sampled_from([True, "soon", "9999999999", [], 10**400]),
)
claims = st.fixed_dictionaries({}, optional={"aud": audiences, "exp": ends})


def written(said) -> str:
    """Return a token with these claims and no valid signature."""
    if isinstance(end := said.get("exp"), tuple):
        said = said | {"exp": int(time.time()) + end[0]}
    parts = (json.dumps({"alg": "RS256", "typ": "JWT"}), json.dumps(said), "signature")
    coded = (base64.urlsafe_b64encode(part.encode()).decode() for part in parts)
    return ".".join(part.rstrip("=") for part in coded)


def theirs(token: str) -> bool:
    checks = {"verify_signature": False, "verify_exp": True, "verify_aud": True}
    try:
        jwt.decode(token, options=checks | {"require": ["exp", "aud"]}, audience=WANTED)
    except (jwt.InvalidTokenError, OverflowError):
        return False
    return True


def ours(token: str) -> bool:
    try:
        found = id_token.checked(token, ENVIRONMENT, "the token")
    except DockcredError:
        return False
    assert token not in repr(found)
    return True


@given(claims)
@example({"aud": WANTED, "exp": (600,)})
@example({"aud": [WANTED], "exp": (600.5,)})
@example({"aud": {WANTED: True}, "exp": (600,)})
@example({"aud": WANTED, "exp": float("inf")})
def test_what_passes_here_passes_pyjwt(said):
    token = written(said)
    assert theirs(token) or not ours(token)


@given(st.integers(-7200, 7200), st.booleans(), st.booleans())
def test_of_what_issuers_write_both_say_the_same(seconds, fits, alone):
    audience = WANTED if fits else WANTED + ".evil"
    said = {"aud": audience if alone else [audience, "other"], "exp": (seconds,)}
    if abs(seconds) > 60:
        assert ours(written(said)) == theirs(written(said)) == (fits and seconds > 0)


@given(st.text(max_size=200) | st.binary(max_size=200).map(repr))
def test_what_is_no_token_is_refused_in_one_line(text):
    with pytest.raises(DockcredError) as refused:
        id_token.checked(text, ENVIRONMENT, "the token")
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize("deep", ["[" * 100_000, '{"a":' * 100_000])
def test_a_token_that_is_all_brackets_is_refused(deep):
    token = written({}).split(".")
    token[1] = base64.urlsafe_b64encode(deep.encode()).decode().rstrip("=")
    assert not ours(".".join(token))


def test_a_giant_is_refused():
    assert not ours(written({"aud": WANTED, "exp": (600,), "x": "y" * 100_000}))
    assert ours(written({"aud": WANTED, "exp": (600,), "x": "y" * 10_000}))
