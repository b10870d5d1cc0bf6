"""A token that is not accepted: the right status, a line in the log, never a grant.

Each row changes one thing in a token; the first test shows that it is good unchanged.
"""

from __future__ import annotations

import asyncio
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from support import oidc_issuer
from support.oidc_issuer import AUDIENCE, Issuer, public_jwk
from support.token_service import Service

from dockcred.commands.token_service.by_rules import Verifier
from dockcred.commands.token_service.issuer_documents import fetch_keys
from dockcred.commands.token_service.request import Refusal
from dockcred.commands.token_service.settings import Issuer as ListedIssuer

APP = "repository:team/app:pull,push"


@pytest.fixture(scope="module")
def stranger() -> Iterator[Issuer]:
    """Another issuer, which is not in the settings: it must never get a request."""
    with oidc_issuer.serving() as stranger:
        yield stranger
        assert not stranger.asked


def refused(service: Service, token: str, reason: str, status: int = 401) -> None:
    asked = f"repository:team/app-{time.time_ns()}:pull"
    for reply in (
        service.get(asked, token=token),
        service.post(asked, grant_type="password", username="JWT", password=token),
        service.post(asked, grant_type="refresh_token", refresh_token=token),
    ):
        assert reply.status == status, reply.body
        assert reason in reply.json()["error_description"], reply.body
        assert "token" not in reply.json()
        challenged = reply.headers.get("www-authenticate", "").startswith("Basic ")
        assert challenged == (status == 401)
    for method in ("GET", "POST"):
        line = service.said(asked=[asked], event="refused", method=method)
        assert line["status"] == status
        assert reason in line["reason"]
    assert service.is_alive()


def test_the_token_that_the_rows_change_is_good(service: Service, issuer: Issuer):
    assert service.get(APP, token=issuer.token()).access


# A tuple holds seconds from the time when the test runs, which is long after import.
CLAIMS = {
    "audience": ({"aud": "other"}, "another audience"),
    "audience, near": ({"aud": f"{AUDIENCE}."}, "another audience"),
    "audience, listed": ({"aud": ["other", "more"]}, "another audience"),
    "audience, none": ({"aud": None}, "lacks a claim"),
    "audience, empty": ({"aud": ""}, "lacks a claim"),
    "audience, odd": ({"aud": 7}, "another audience"),
    "expired": ({"exp": (-600,)}, "expired"),
    "expired a moment ago": ({"exp": (-1,)}, "expired"),
    "never expires": ({"exp": None}, "lacks a claim"),
    "expires oddly": ({"exp": "soon"}, "cannot be verified"),
    "expires beyond numbers": ({"exp": float("inf")}, "cannot be verified"),
    "not yet valid": ({"nbf": (600,)}, "not valid yet"),
    "issued in the future": ({"iat": (600,)}, "not valid yet"),
    "no subject": ({"sub": None}, "lacks a claim"),
    "issuer, none": ({"iss": None}, "not a JWT with an issuer"),
    "issuer, odd": ({"iss": ["x"]}, "not one that is understood"),
    "issuer, file": ({"iss": "file:///etc/passwd"}, "not listed"),
    "issuer, metadata": ({"iss": "http://169.254.169.254/"}, "not listed"),
}


@pytest.mark.parametrize("row", CLAIMS)
def test_one_claim_changed(service: Service, issuer: Issuer, row: str):
    claims, reason = CLAIMS[row]
    ((name, value),) = claims.items()
    if isinstance(value, tuple):
        value = int(time.time()) + value[0]
    refused(service, issuer.token(**{name: value}), reason)


@pytest.mark.parametrize("suffix", ["/", "x", "/.well-known", "?a", "#a", " "])
def test_an_issuer_is_compared_whole(service: Service, issuer: Issuer, suffix: str):
    refused(service, issuer.token(iss=issuer.url + suffix), "not listed")


def test_an_unknown_issuer_is_not_asked(
    service: Service, issuer: Issuer, stranger: Issuer
):
    refused(service, stranger.token(), "not listed")
    assert service.said(event="refused", told=stranger.url)


def test_a_strangers_key_signs_nothing(
    service: Service, issuer: Issuer, stranger: Issuer
):
    token = issuer.token(key=stranger.key)
    refused(service, token, "signature is not its issuer's")


@pytest.mark.parametrize(
    "header",
    [
        lambda at, key: {"jku": f"{at}/keys"},
        lambda at, key: {"x5u": f"{at}/keys"},
        lambda at, key: {"jwk": key},
        lambda at, key: {"jku": f"{at}/keys", "jwk": key, "kid": key["kid"]},
    ],
    ids=["jku", "x5u", "jwk", "all, and its own kid"],
)
def test_a_key_that_a_token_brings_is_not_taken(
    service: Service, issuer: Issuer, stranger: Issuer, header
):
    brought = header(stranger.url, public_jwk(stranger.key, "brought"))
    token = issuer.token(key=stranger.key, header=brought)
    reason = "no key" if "kid" in brought else "signature is not its issuer's"
    refused(service, token, reason)


def test_an_unknown_key_id_is_refused(service: Service, issuer: Issuer):
    refused(service, issuer.token(header={"kid": "nobody's"}), "no key")


def test_no_algorithm_is_none(service: Service, issuer: Issuer):
    token = jwt.encode(
        jwt.decode(issuer.token(), options={"verify_signature": False}),
        None,
        "none",
        {"kid": issuer.key_id},
    )
    refused(service, token, "signed in a way not taken")


@pytest.mark.parametrize(
    "spelling", ["None", "NONE", "nOnE", "", None, 5, ["RS256"]], ids=repr
)
def test_no_spelling_of_none_is_taken(service: Service, issuer: Issuer, spelling):
    refused(service, spelled(issuer, alg=spelling), "")


def spelled(issuer: Issuer, **header) -> str:
    """Return a good token's claims and signature with another header."""
    _, claims, signature = issuer.token().split(".")
    text = json.dumps({"alg": "RS256", "kid": issuer.key_id, "typ": "JWT"} | header)
    coded = urlsafe_b64encode(text.encode()).rstrip(b"=").decode()
    return f"{coded}.{claims}.{signature}"


def test_the_public_key_is_no_secret_to_sign_with(service: Service, issuer: Issuer):
    """Sign by HS256 with the public key's text as the secret: anybody knows it."""
    import hmac

    public = issuer.key.public_key().public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    )
    signed = spelled(issuer, alg="HS256").rpartition(".")[0]
    digest = hmac.digest(public, signed.encode(), "sha256")
    coded = urlsafe_b64encode(digest).rstrip(b"=").decode()
    refused(service, f"{signed}.{coded}", "signed in a way not taken")


def test_a_key_is_for_its_own_algorithm(service: Service, issuer: Issuer):
    refused(service, issuer.token(algorithm="RS512"), "another algorithm")


def test_a_token_is_verified_when_its_keys_were_not_known(issuer: Issuer):
    """Also for the first token of all, which has to wait until the keys are fetched."""

    async def first(token: str) -> str:
        listed = ListedIssuer("x", issuer.url, AUDIENCE)
        identity = await Verifier([listed], fetch_keys).identify(token)
        return identity.subject

    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert asyncio.run(first(issuer.token()))
    with pytest.raises(Refusal, match="signature is not its issuer's"):
        asyncio.run(first(issuer.token(key=other)))


@pytest.mark.parametrize("part", [0, 1, 2])
def test_one_character_changed(service: Service, issuer: Issuer, part: int):
    parts = issuer.token().split(".")
    at = len(parts[part]) // 2
    other = "A" if parts[part][at] != "A" else "B"
    parts[part] = parts[part][:at] + other + parts[part][at + 1 :]
    refused(service, ".".join(parts), "")


def test_a_header_that_must_be_understood_is_refused(service: Service, issuer: Issuer):
    token = issuer.token(header={"crit": ["b64"], "b64": True})
    refused(service, token, "")


MALFORMED = {
    "empty": "",
    "a word": "password",
    "one dot": "a.b",
    "dots": "..",
    "four parts": "a.b.c.d",
    "not base64": "!.!.!",
    "a list": f"{urlsafe_b64encode(b'[]').decode()}.e30.",
    "deep": f"{urlsafe_b64encode(b'[' * 9000).decode()}.e30.",
    "deep claims": f"e30.{urlsafe_b64encode(b'[' * 9000).decode()}.",
    "not UTF-8": "eyJ\ufffd.e30.",
    "nul": "eyJ\0.e30.",
    "line": "eyJ\r\nX-Y: z.e30.",
}


@pytest.mark.parametrize("what", MALFORMED)
def test_what_is_no_jwt_is_refused(service: Service, what: str):
    refused(service, MALFORMED[what], "")


def test_a_giant_token_is_not_looked_at(service: Service, issuer: Issuer):
    token = issuer.token(padding="x" * 16_000)
    refused(service, token, "too long", status=400)


def test_nothing_of_a_token_is_in_the_log(service: Service, issuer: Issuer):
    """After all tests above the log has no token, no part of one, no password."""
    good = issuer.token()
    service.get(APP, token=good)
    service.get(token="pass-word-of-somebody")
    service.said(event="answered", asked=[APP])
    log = b"".join(service.raw).decode()
    assert "pass-word" not in log
    for part in good.split("."):
        assert part not in log
    assert "eyJ" not in log  # every JSON object in base64 begins so
