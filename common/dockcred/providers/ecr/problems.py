"""What AWS's error codes mean."""

from __future__ import annotations

from dockcred.errors import IssueError, RefusedError

THROTTLED = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "SlowDown",
    }
)

_ACCESS = "allow it in the identity's IAM policy"
_CLOCK = ("this machine's clock differs from AWS's", "set the clock (NTP)")
_KEYS = (
    "AWS does not know these access keys",
    "see that the keys are whole, active and of this partition",
)
_MEANINGS = {
    "InvalidSignatureException": _CLOCK,
    "SignatureDoesNotMatch": _CLOCK,
    "RequestTimeTooSkewed": _CLOCK,
    "RequestExpired": _CLOCK,
    "UnrecognizedClientException": _KEYS,
    "InvalidClientTokenId": _KEYS,
    "AuthFailure": _KEYS,
    "ExpiredToken": ("the AWS session has expired", "log in anew or renew its keys"),
    "InvalidIdentityToken": (
        "AWS does not accept the web identity token",
        "see the OIDC provider in IAM and the token's audience sts.amazonaws.com",
    ),
    "IDPCommunicationError": (
        "AWS could not reach the issuer of the web identity token",
        "try again; then see the issuer's discovery document",
    ),
    "InvalidParameterException": (
        "AWS does not accept the registry's account id",
        "see the account in the registry's host name",
    ),
    "OptInRequired": (
        "the account is not open to this region",
        "enable the region for the account",
    ),
}


def meaning(code: str, message: str, operation: str) -> IssueError:
    """Return the cause, with its remedy, of an operation's error code."""
    code = code.rpartition("#")[2]
    if code.startswith("AccessDenied"):
        who = f" for {arn}" if (arn := _arn_in(message)) else ""
        needed = operation
        if operation.startswith("ecr-public:"):
            needed += " and sts:GetServiceBearerToken"
        return RefusedError(f"AWS denies {needed}{who}", _ACCESS)
    if code in THROTTLED:
        return IssueError(
            f"AWS throttles {operation}", "try again later, or ask for a higher quota"
        )
    if code == "InvalidSignatureException" and "expired" not in message.lower():
        return IssueError(
            "AWS finds the signature wrong",
            "see that the secret access key belongs to the access key id",
        )
    cause, remedy = _MEANINGS.get(
        code.removesuffix("Exception") if code == "ExpiredTokenException" else code,
        (
            f"{operation} failed at AWS ({_word(code)})",
            "try again; then see AWS Health",
        ),
    )
    return IssueError(cause, remedy)


def _arn_in(message: str) -> str:
    for word in message.split():
        if word.startswith("arn:"):
            return _word(word)
    return ""


def _word(text: str) -> str:
    """Return only what an ARN or a code is made of; the text is a stranger's."""
    return "".join(c for c in text[:200] if c.isalnum() or c in ":/._-+=,@")
