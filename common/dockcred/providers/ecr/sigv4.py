"""Signature Version 4 for the two requests that the direct road signs.

docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html;
a test holds the result against botocore's signer, and the sandbox verifies it.
"""

from __future__ import annotations

import hashlib
import hmac
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.providers.ecr.keys import Keys

_ALGORITHM = "AWS4-HMAC-SHA256"


def sign(
    keys: Keys,
    *,
    region: str,
    service: str,
    host: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    now: float,
) -> dict[str, str]:
    """Answer the headers of a POST with its signature added.

    `now` is in seconds since the epoch, `headers` have lower-case names.
    """
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    headers = headers | {"host": host, "x-amz-date": stamp}
    if keys.session_token:
        headers["x-amz-security-token"] = keys.session_token
    names = sorted(headers)
    signed = ";".join(names)
    canonical = "\n".join(
        (
            "POST",
            path,
            "",
            *(f"{name}:{' '.join(headers[name].split())}" for name in names),
            "",
            signed,
            hashlib.sha256(body).hexdigest(),
        )
    )
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = f"AWS4{keys.secret}".encode()
    for part in scope.split("/"):
        key = _hmac(key, part)
    signature = _hmac(key, f"{_ALGORITHM}\n{stamp}\n{scope}\n{digest}").hex()
    headers["authorization"] = (
        f"{_ALGORITHM} Credential={keys.access_key_id}/{scope}, "
        f"SignedHeaders={signed}, Signature={signature}"
    )
    return headers


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
