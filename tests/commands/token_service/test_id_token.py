"""Compare our check of ID tokens with PyJWT's: each difference must be a known one."""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64encode

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from support.differential import meant

from dockcred.commands.token_service import id_token
from dockcred.commands.token_service.issuer_documents import PublishedKey
from dockcred.commands.token_service.request import Refusal
from dockcred.commands.token_service.settings import ALGORITHMS

hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies

AUDIENCE, ISSUER = "registry.example.com", "https://issuer.example.com"
KEYS = {
    "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "ES384": ec.generate_private_key(ec.SECP384R1()),
}
WRONG = ec.generate_private_key(ec.SECP256K1())
SKEW_S = id_token.SKEW_S


def theirs(token: str, algorithm: str, key) -> bool:
    """Return whether PyJWT accepts the token, with the checks of our former code."""
    try:
        parts = jwt.decode_complete(token, options={"verify_signature": False})
        if "crit" in parts["header"] or parts["header"].get("alg") != algorithm:
            return False
        claims = jwt.decode(
            token,
            key.public_key(),
            algorithms=[algorithm],
            audience=AUDIENCE,
            issuer=ISSUER,
            leeway=SKEW_S,
            options={"require": ["iss", "sub", "aud", "exp"]},
        )
        return float(claims["exp"]) - time.time() >= 1
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, AttributeError):
        return False


def ours(token: str, algorithm: str, key) -> bool:
    try:
        shown = id_token.read(token)
        if shown.issuer != ISSUER:
            return False
        shown.check_form([algorithm])
        shown.check_claims(AUDIENCE, time.time())
        shown.check_signature(PublishedKey(key.public_key(), ""))
    except Refusal:
        return False
    return True


def numeric(claims: dict) -> bool:
    return all(
        isinstance(claims.get(name, 0), int | float)
        and not isinstance(claims.get(name, 0), bool)
        for name in ("exp", "nbf", "iat")
    )


def times(now: int):
    """Return values of `exp`: most in the future, some in the past, some not a time."""
    return st.sampled_from(
        (now + 600,) * 6
        + (now - 600, 0, -1, now + 600.5, 1e300, float("inf"), float("nan"))
    ) | st.sampled_from((str(now + 600), None, True, [], "soon", 10**400))


def past(now: int):
    """Return values of `nbf` and `iat`: most in the past, some later or not a time."""
    return st.sampled_from(
        (now - 600,) * 6 + (now + 600, 0, -1, now - 0.5, float("-inf"), float("nan"))
    ) | st.sampled_from((str(now), None, False, {}, "then"))


audiences = st.sampled_from(
    (
        AUDIENCE,
        AUDIENCE,
        [AUDIENCE],
        ["x", AUDIENCE],
        "x",
        [],
        "",
        None,
        7,
        [AUDIENCE, 7],
        {AUDIENCE: 1},
        AUDIENCE + ".",
        [[AUDIENCE]],
        AUDIENCE.upper(),
    )
)
subjects = st.sampled_from(("repo:a",) * 5 + (7, None, "", ["a"], {"a": 1}))
issuers = st.sampled_from((ISSUER,) * 8 + (ISSUER + "/", None, 7, [ISSUER]))
ids = st.sampled_from((None, None, "id", 7, ["x"], {}))
headers = st.fixed_dictionaries(
    {},
    optional={
        "kid": st.sampled_from(("a", "a", 7, "", None, ["a"])),
        "crit": st.sampled_from((["b64"], [], None)),
        "b64": st.sampled_from((True, False, 1)),
        "typ": st.sampled_from(("JWT", "at+jwt", 7)),
    },
)
damages = st.sampled_from(("",) * 8 + ("=", "bit", "cut", "space", "tail", "stranger"))


def claims():
    """Return claims relative to now: a run of all tests outlasts a token's life."""
    now = int(time.time())
    return st.fixed_dictionaries(
        {"exp": times(now), "aud": audiences, "sub": subjects, "iss": issuers},
        optional={"nbf": past(now), "iat": past(now), "jti": ids},
    )


def signed(algorithm: str, header: dict, said: dict, damage: str) -> str:
    text = json.dumps({"alg": algorithm, "typ": "JWT"} | header)
    parts = [_coded(text.encode()), _coded(json.dumps(said).encode())]
    key = WRONG if damage == "stranger" and algorithm == "ES256" else KEYS[algorithm]
    known = jwt.get_algorithm_by_name(algorithm)
    signature = _coded(known.sign(".".join(parts).encode(), key))
    token = ".".join([*parts, signature])
    if damage == "bit":
        at = len(token) // 2
        token = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
    if damage == "tail":  # bits that base64 leaves unused
        token = token[:-1] + chr(ord(token[-1]) + 1)
    ends = {"=": token + "=", "cut": token[:-1], "space": f" {token}"}
    return ends.get(damage, token)


def _coded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.mark.slow
def test_tokens_are_believed_beside_pyjwt(side_by_side) -> None:
    def one(algorithm: str, header: dict, said: dict, damage: str) -> str | None:
        token = signed(algorithm, header, said, damage)
        key = KEYS[algorithm]
        found, expected = ours(token, algorithm, key), theirs(token, algorithm, key)
        if expected and not found and not numeric(said):
            return meant("id-token-time-that-is-none")
        if expected and not found and damage == "=":
            return meant("id-token-padding")
        if expected and not found and header.get("b64", True) is not True:
            return meant("id-token-b64")
        assert found == expected, (header, said, damage)
        return "believed" if found else None

    side_by_side(
        *(one, st.sampled_from(sorted(KEYS)), headers, claims(), damages),
        share=2,
        shows=lambda ends: ends["believed"],
    )


def test_a_key_on_another_curve_of_the_same_length_signs_nothing() -> None:
    said = {"iss": ISSUER, "aud": AUDIENCE, "sub": "x", "exp": int(time.time()) + 600}
    token = signed("ES256", {}, said, "stranger")
    shown = id_token.read(token)
    shown.check_form(["ES256"])
    with pytest.raises(Refusal, match="cannot be verified"):
        shown.check_signature(PublishedKey(WRONG.public_key(), ""))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_that_settings_may_name_is_known(algorithm: str) -> None:
    said = {"iss": ISSUER, "aud": AUDIENCE, "sub": "x", "exp": int(time.time()) + 600}
    shown = id_token.IdToken({"alg": algorithm}, said, ISSUER, b"x", b"x" * 64)
    with pytest.raises(Refusal):
        shown.check_signature(PublishedKey(KEYS["RS256"].public_key(), "other"))
    key = KEYS["RS256"] if algorithm[0] in "RP" else KEYS["ES256"]
    with pytest.raises(Refusal, match="signature|verified"):
        shown.check_signature(PublishedKey(key.public_key(), ""))
