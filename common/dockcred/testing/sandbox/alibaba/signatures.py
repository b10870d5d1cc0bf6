"""Verify Alibaba Cloud's signatures from the raw request, independently of any SDK.

ACS3-HMAC-SHA256 is in headers: "V3 request body & signature mechanism". HMAC-SHA1 is in
the query, as Alibaba's credentials library signs for STS: "Request syntax and signature
method V2" (alibabacloud.com/help/en/sdk/product-overview).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import threading
from calendar import timegm
from dataclasses import dataclass, field
from time import strptime
from urllib.parse import quote

from dockcred.testing.sandbox.messages import Request
from dockcred.testing.sandbox.service import Reason, Refusal

ALGORITHM = "ACS3-HMAC-SHA256"
TOLERANCE_S = 900
AUTHORIZATION = re.compile(
    rf"{ALGORITHM} ?Credential=(?P<key>[\w.]+),"
    r"SignedHeaders=(?P<headers>[a-z0-9;-]+),Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True)
class Key:
    """An access key of an account; `expires_at` in epoch seconds, or None."""

    access_key_id: str
    account: str
    principal: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)
    expires_at: float | None = None

    @property
    def arn(self) -> str:
        """Return the ARN of the key's principal in RAM."""
        return f"acs:ram::{self.account}:{self.principal}"


class Gate:
    """Authenticates requests: keeps the issued keys, and the nonces that were used."""

    def __init__(self) -> None:
        self._keys: dict[str, Key] = {}
        self._nonces: set[str] = set()
        self._lock = threading.Lock()

    def permanent(self, account: str, user: str) -> Key:
        """Issue a user's long-lived key."""
        key_id = f"LTAI5t{secrets.token_hex(9)}"
        return self._add(Key(key_id, account, f"user/{user}", secrets.token_hex(15)))

    def temporary(self, account: str, role: str, session: str, ends: float) -> Key:
        """Issue a key of a role's session; it needs its session token, and expires."""
        token = base64.b64encode(secrets.token_bytes(480)).decode()
        principal = f"assumed-role/{role}/{session}"
        key_id, secret = f"STS.N{secrets.token_hex(12)}", secrets.token_hex(22)
        return self._add(Key(key_id, account, principal, secret, token, ends))

    def _add(self, key: Key) -> Key:
        self._keys[key.access_key_id] = key
        return key

    def caller(self, request: Request, now: float) -> Key:
        """Return the key that signed the request, or raise Refusal."""
        if request.header("authorization"):
            return self._by_headers(request, now)
        if "Signature" in request.parameters:
            return self._by_query(request, now)
        raise Refusal(Reason.UNSIGNED, "the request has no signature")

    def _by_headers(self, request: Request, now: float) -> Key:
        found = AUTHORIZATION.fullmatch(request.header("authorization"))
        if found is None:
            raise Refusal(Reason.MALFORMED, "Authorization is incomplete")
        names = found["headers"].split(";")
        must = {"host"} | {
            name.lower()
            for name, _ in request.headers
            if name.lower().startswith("x-acs-")
        }
        if missing := must.difference(names):
            raise Refusal(Reason.MALFORMED, f"headers not signed: {sorted(missing)}")
        digest = hashlib.sha256(request.body).hexdigest()
        if request.header("x-acs-content-sha256") != digest:
            raise Refusal(
                Reason.BAD_SIGNATURE, "x-acs-content-sha256 is not the body's"
            )
        lines = [request.method, request.path, _canonical(request.parameters)]
        lines += [f"{name}:{request.header(name).strip()}" for name in names]
        canonical = "\n".join((*lines, "", found["headers"], digest))
        text = f"{ALGORITHM}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        key = self._key(found["key"])
        expected = hmac.digest(key.secret.encode(), text.encode(), "sha256").hex()
        token = request.header("x-acs-security-token")
        self._check_date(request.header("x-acs-date"), now)
        self._check(key, expected, found["signature"], token, now)
        self._use(request.header("x-acs-signature-nonce"))
        return key

    def _by_query(self, request: Request, now: float) -> Key:
        fields = request.parameters
        given = fields.pop("Signature")
        if fields.get("SignatureMethod") != "HMAC-SHA1":
            raise Refusal(Reason.MALFORMED, "SignatureMethod is not HMAC-SHA1")
        text = f"{request.method}&%2F&{quote(_canonical(fields), safe='~')}"
        key = self._key(fields.get("AccessKeyId", ""))
        # Alibaba's documents define it so: SHA-1, with `&` after the secret.
        made = hmac.digest(f"{key.secret}&".encode(), text.encode(), "sha1")
        self._check_date(fields.get("Timestamp", ""), now)
        token = fields.get("SecurityToken", "")
        self._check(key, base64.b64encode(made).decode(), given, token, now)
        self._use(fields.get("SignatureNonce", ""))
        return key

    def _key(self, access_key_id: str) -> Key:
        key = self._keys.get(access_key_id)
        if key is None:
            raise Refusal(Reason.UNKNOWN_KEY, "Specified access key is not found")
        return key

    @staticmethod
    def _check(key: Key, expected: str, given: str, token: str, now: float) -> None:
        if not hmac.compare_digest(expected, given):
            raise Refusal(
                Reason.BAD_SIGNATURE, "Specified signature is not matched with ours"
            )
        if not hmac.compare_digest(token.encode(), key.token.encode()):
            raise Refusal(
                Reason.UNKNOWN_KEY,
                "Specified SecurityToken is malformed",
                "InvalidSecurityToken.Malformed",
            )
        if key.expires_at is not None and now >= key.expires_at:
            raise Refusal(Reason.EXPIRED, "Specified SecurityToken is expired")

    @staticmethod
    def _check_date(text: str, now: float) -> None:
        try:
            signed_at = timegm(strptime(text, "%Y-%m-%dT%H:%M:%SZ"))
        except ValueError as error:
            raise Refusal(
                Reason.INVALID, "no such format of a date", "InvalidTimeStamp.Format"
            ) from error
        if abs(signed_at - now) > TOLERANCE_S:
            raise Refusal(
                Reason.INVALID, f"{text} is not now", "InvalidTimeStamp.Expired"
            )

    def _use(self, nonce: str) -> None:
        with self._lock:
            is_new = bool(nonce) and nonce not in self._nonces
            self._nonces.add(nonce)
        if not is_new:
            raise Refusal(
                Reason.INVALID, "Specified nonce was used already", "SignatureNonceUsed"
            )


def _canonical(fields: dict[str, str]) -> str:
    pairs = ((quote(n, safe="~"), quote(fields[n], safe="~")) for n in sorted(fields))
    return "&".join(f"{name}={value}" for name, value in pairs)
