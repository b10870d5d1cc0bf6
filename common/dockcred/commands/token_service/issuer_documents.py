"""Read what an issuer publishes: its discovery document, and the keys it names.

Requests go only to the URL in the settings, and to the `jwks_uri` of the discovery
document there. Nothing in a token can name another address. No redirect is followed. A
response has at most 1 MiB and takes at most five seconds (`transport`).
"""

from __future__ import annotations

import json
import os
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

from dockcred.commands.token_service.server import run_in_own_thread
from dockcred.commands.token_service.settings import Issuer, is_safe_url
from dockcred.errors import DockcredError, TransportError
from dockcred.system import environment
from dockcred.system.private_file import check_owner
from dockcred.transport import http
from dockcred.transport.response import MAX_BODY_BYTES

PublicKey = (
    rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
    | ed448.Ed448PublicKey
)  # fmt: skip

MAX_KEYS = 100
MIN_RSA_BITS = 2048
MAX_RSA_BITS = 8192  # verifying with a longer key would delay all other requests
TIMEOUT_S = 5.0
_OK = 200


class PublishedKey:
    """One public key, and the only algorithm it is for; "" if the key names none."""

    __slots__ = ("algorithm", "public")

    def __init__(self, public: PublicKey, algorithm: str) -> None:
        self.public = public
        self.algorithm = algorithm


async def fetch_keys(issuer: Issuer) -> dict[str, PublishedKey]:
    """Return the issuer's keys by their ids; raise DockcredError with the cause.

    The resolution of a name has no time limit, so it runs in a thread. The call ends
    only when the thread has ended; so there are never two threads for one issuer.
    """
    return await run_in_own_thread(lambda: _fetch_keys(issuer))


def _fetch_keys(issuer: Issuer) -> dict[str, PublishedKey]:
    document = _read(issuer) if issuer.keys_file else _get(issuer, _keys_url(issuer))
    listed = document.get("keys")
    if not isinstance(listed, list) or len(listed) > MAX_KEYS:
        raise _unusable(issuer, "it publishes no list of keys, or too long a one")
    found = {}
    for entry in listed:
        key = _published_key(entry)
        if key is not None:
            found[str(entry.get("kid", ""))] = key
    if not found:
        raise _unusable(issuer, "none of its keys can verify a signature")
    return found


def _keys_url(issuer: Issuer) -> str:
    """Return the URL of the issuer's keys (OpenID Connect Discovery 1.0, 4)."""
    url = f"{issuer.url.removesuffix('/')}/.well-known/openid-configuration"
    document = _get(issuer, url)
    if document.get("issuer") != issuer.url:
        raise _unusable(issuer, "its discovery document is another issuer's")
    keys_url = document.get("jwks_uri")
    if not isinstance(keys_url, str) or not is_safe_url(
        keys_url, plain=issuer.is_local
    ):
        raise _unusable(issuer, "its keys are not at an https URL")
    return keys_url


def _read(issuer: Issuer) -> dict[str, Any]:
    """Read the keys from a file; its owner decides which tokens are valid.

    Raises DockcredError if the owner is another user, or the file is not usable.
    """
    try:
        with open(issuer.keys_file, "rb") as file:
            check_owner(issuer.keys_file, os.fstat(file.fileno()))
            found = json.loads(file.read(MAX_BODY_BYTES))
    except OSError as error:
        raise _unusable(issuer, f"{issuer.keys_file}: {error.strerror}") from None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _unusable(issuer, f"{issuer.keys_file} is not JSON")
    return found


def _get(issuer: Issuer, url: str) -> dict[str, Any]:
    response = http.request(
        "GET",
        url,
        environment.current(),
        headers={"accept": "application/json"},
        timeout_s=TIMEOUT_S,
        repeated=http.NEVER,
    )
    if response.status != _OK:
        raise _unusable(issuer, f"it answers {response.status}")
    try:
        found = response.json()
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _unusable(issuer, "it does not answer in JSON")
    return found


def _published_key(entry: Any) -> PublishedKey | None:
    """Read a JWK; return None for one that we do not use to verify signatures.

    These are private keys, RSA keys of another length, and keys that are not for
    signatures.
    """
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
        return None
    try:
        public = jwt.PyJWK(entry).key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError, NotImplementedError):
        return None  # NotImplementedError is for `alg: none`, which has no key
    if not isinstance(public, PublicKey):
        return None
    if isinstance(public, rsa.RSAPublicKey) and not (
        MIN_RSA_BITS <= public.key_size <= MAX_RSA_BITS
    ):
        return None
    return PublishedKey(public, str(entry.get("alg", "")))


def _unusable(issuer: Issuer, why: str) -> DockcredError:
    return TransportError(f"issuer {issuer.name}: {why}", "see the url in the settings")
