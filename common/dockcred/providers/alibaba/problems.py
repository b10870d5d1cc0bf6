"""What Alibaba Cloud's error codes mean."""

from __future__ import annotations

from dockcred.errors import IssueError, RefusedError, ThrottledError
from dockcred.transport.http import clock_off

_TOO_MANY, _SERVER_ERROR = 429, 500
_CLOCK = ("this machine's clock differs from Alibaba Cloud's", "set the clock (NTP)")
_KEYS = (
    "Alibaba Cloud does not know these access keys",
    "see that the keys are whole, active and of this account",
)
_ENDED = ("the session of Alibaba Cloud's keys has expired", "have its keys renewed")
_TOKEN = (
    "Alibaba Cloud does not accept the pod's identity token",
    "see the OIDC provider in RAM with its audiences, and the role's trust policy",
)
_ROLE = (
    "Alibaba Cloud knows no such role or OIDC provider",
    "see ALIBABA_CLOUD_ROLE_ARN and ALIBABA_CLOUD_OIDC_PROVIDER_ARN",
)
_MEANINGS = {
    "InvalidAccessKeyId": _KEYS,
    "InvalidSecurityToken.Expired": _ENDED,
    "InvalidSecurityToken": _KEYS,
    "SignatureDoesNotMatch": (
        "Alibaba Cloud finds the signature wrong",
        "see that the access key secret belongs to the access key id",
    ),
    "IncompleteSignature": (
        "Alibaba Cloud finds the signature wrong",
        "see that the access key secret belongs to the access key id",
    ),
    "InvalidTimeStamp": _CLOCK,
    "SignatureNonceUsed": (
        "Alibaba Cloud has seen this request before",
        "try again; a proxy may have sent it twice",
    ),
    "AuthenticationFail.OIDCToken.Expired": (
        "the pod's identity token has expired",
        "see whoever renews the file that ALIBABA_CLOUD_OIDC_TOKEN_FILE names",
    ),
    "AuthenticationFail": _TOKEN,
    "EntityNotExist": _ROLE,
    "INSTANCE_NOT_EXIST": (
        "Alibaba Cloud knows no such instance in this region",
        "see the instance id and the region in the registry's name",
    ),
}
"""The meaning of a code. The longest match of a code's first dotted parts counts."""
_DENIED = ("Forbidden", "NoPermission", "AuthenticationFail.NoPermission")


def meaning(
    code: str, message: str, operation: str, status: int, *, date: str = ""
) -> IssueError:
    """Return the error, with cause and remedy, for an error code of an operation.

    It is a RefusedError where Alibaba Cloud has decided about the identity. `date` is
    the answer's Date header.
    """
    del message  # it may repeat what was signed
    if code.startswith("Throttling") or status == _TOO_MANY:
        return ThrottledError(
            f"Alibaba Cloud throttles {operation}",
            "try again later, or ask for a higher quota",
        )
    if code.startswith(_DENIED):
        if operation.startswith("sts:AssumeRole"):
            return RefusedError(
                f"Alibaba Cloud denies {operation}",
                "allow the token's issuer, subject and audience in the role's trust "
                "policy",
            )
        return RefusedError(
            f"Alibaba Cloud denies {operation}", "allow it in the identity's RAM policy"
        )
    told = _told(code)
    if told is _CLOCK:
        told = (clock_off(date, "Alibaba Cloud's") or _CLOCK[0], _CLOCK[1])
    if told is not None:
        return RefusedError(*told)
    word = (
        "".join(c for c in code[:80] if c.isalnum() or c in "._-") or f"HTTP {status}"
    )
    if status >= _SERVER_ERROR:
        return IssueError(
            f"{operation} failed at Alibaba Cloud ({word})",
            "try again; then see Alibaba Cloud's health dashboard",
        )
    if code:
        return RefusedError(
            f"{operation} failed at Alibaba Cloud ({word})",
            "see what Alibaba Cloud's error center says of it",
        )
    return IssueError(
        f"{operation} failed at Alibaba Cloud ({word})",
        "see what listens there: a proxy or a captive portal",
    )


def _told(code: str) -> tuple[str, str] | None:
    while code:
        if code in _MEANINGS:
            return _MEANINGS[code]
        code = code.rpartition(".")[0]
    return None
