"""Verify AWS Signature Version 4 from the raw request, independently of any SDK.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
import re
from calendar import timegm
from dataclasses import dataclass
from time import strptime
from urllib.parse import parse_qsl, quote

from dockcred.testing.sandbox.aws.principals import AccessKey, AccessKeys
from dockcred.testing.sandbox.messages import Request
from dockcred.testing.sandbox.service import Reason, Refusal

ALGORITHM = "AWS4-HMAC-SHA256"
TOLERANCE_S = 300
AUTHORIZATION = re.compile(
    rf"{ALGORITHM} Credential=(?P<key>\w+)/(?P<date>\d{{8}})/(?P<region>[\w-]+)"
    r"/(?P<service>[\w-]+)/aws4_request, ?"
    r"SignedHeaders=(?P<headers>[a-z0-9;-]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True)
class Signature:
    """The content of an Authorization header, and the time of signing."""

    access_key_id: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    timestamp: str
    digest: str

    @property
    def scope(self) -> str:
        """Return the credential scope that the signing key is derived for."""
        return f"{self.timestamp[:8]}/{self.region}/{self.service}/aws4_request"


@dataclass(frozen=True, slots=True)
class Caller:
    """The key that signed a request, and the region of its signature."""

    key: AccessKey
    region: str


def authenticate(
    request: Request, keys: AccessKeys, *, service: str, region: str | None, now: float
) -> Caller:
    """Return the caller who signed the request, or raise Refusal.

    `region` is the endpoint's region; None if its host name does not show it.
    """
    signature = _parse(request)
    key = keys.find(signature.access_key_id)
    if key is None:
        raise Refusal(Reason.UNKNOWN_KEY, "the security token is invalid")
    _check_scope(signature, service, region)
    _check_date(signature, now)
    if not hmac.compare_digest(_digest(request, signature, key), signature.digest):
        raise Refusal(
            Reason.BAD_SIGNATURE, "the signature does not match the one calculated"
        )
    token = request.header("x-amz-security-token")
    if not hmac.compare_digest(token.encode(), key.session_token.encode()):
        raise Refusal(Reason.UNKNOWN_KEY, "the security token is invalid")
    if key.expires_at is not None and now >= key.expires_at:
        raise Refusal(Reason.EXPIRED, "the security token is expired")
    return Caller(key, signature.region)


def _parse(request: Request) -> Signature:
    header = request.header("authorization")
    if not header:
        raise Refusal(Reason.UNSIGNED, "the request has no authentication token")
    found = AUTHORIZATION.fullmatch(header)
    if found is None:
        raise Refusal(Reason.MALFORMED, "Authorization is incomplete")
    signed = tuple(found["headers"].split(";"))
    must = {"host"} | {
        name.lower() for name, _ in request.headers if name.lower().startswith("x-amz-")
    }
    if missing := must.difference(signed):
        raise Refusal(Reason.MALFORMED, f"headers not signed: {sorted(missing)}")
    timestamp = request.header("x-amz-date")
    if not timestamp.startswith(found["date"]):
        raise Refusal(Reason.BAD_SIGNATURE, "the scope's date is not X-Amz-Date's")
    return Signature(
        found["key"],
        found["region"],
        found["service"],
        signed,
        timestamp,
        found["signature"],
    )


def _check_scope(signature: Signature, service: str, region: str | None) -> None:
    if signature.service != service:
        raise Refusal(
            Reason.BAD_SIGNATURE, f"credential should be scoped to service {service!r}"
        )
    if region is not None and signature.region != region:
        raise Refusal(
            Reason.BAD_SIGNATURE,
            f"credential should be scoped to a valid region, not {signature.region!r}",
        )


def _check_date(signature: Signature, now: float) -> None:
    try:
        signed_at = timegm(strptime(signature.timestamp, "%Y%m%dT%H%M%SZ"))
    except ValueError as error:
        raise Refusal(Reason.MALFORMED, "X-Amz-Date is no date") from error
    if signed_at < now - TOLERANCE_S:
        raise Refusal(Reason.BAD_SIGNATURE, f"signature expired {signature.timestamp}")
    if signed_at > now + TOLERANCE_S:
        raise Refusal(
            Reason.BAD_SIGNATURE, f"signature not yet current: {signature.timestamp}"
        )


def _digest(request: Request, signature: Signature, key: AccessKey) -> str:
    canonical = hashlib.sha256(_canonical(request, signature.signed_headers).encode())
    lines = [ALGORITHM, signature.timestamp, signature.scope, canonical.hexdigest()]
    text = "\n".join(lines)
    signing_key = f"AWS4{key.secret_access_key}".encode()
    for part in signature.scope.split("/"):
        signing_key = hmac.digest(signing_key, part.encode(), "sha256")
    return hmac.new(signing_key, text.encode(), "sha256").hexdigest()


def _canonical(request: Request, signed_headers: tuple[str, ...]) -> str:
    query = sorted(
        (quote(name, safe="-_.~"), quote(value, safe="-_.~"))
        for name, value in parse_qsl(request.query, keep_blank_values=True)
    )
    headers = (f"{n}:{' '.join(request.header(n).split())}\n" for n in signed_headers)
    return "\n".join(
        (
            request.method,
            quote(request.path, safe="/-_.~"),
            "&".join(f"{name}={value}" for name, value in query),
            "".join(headers),
            ";".join(signed_headers),
            hashlib.sha256(request.body).hexdigest(),
        )
    )
