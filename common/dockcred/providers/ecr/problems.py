"""What AWS's error codes mean, and which of them are worth a retry."""

from __future__ import annotations

from dockcred.errors import (
    IssueError,
    MissingIdentityError,
    RefusedError,
    ThrottledError,
    TransportError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

THROTTLED = frozenset((
    *("Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled"),
    *("RequestThrottledException", "TooManyRequestsException", "SlowDown"),
    *("ProvisionedThroughputExceededException", "TransactionInProgressException"),
    *("RequestLimitExceeded", "BandwidthLimitExceeded", "LimitExceededException"),
    *("PriorRequestNotComplete", "EC2ThrottledException"),
))  # fmt: skip
_PASSING = THROTTLED | {
    "RequestTimeout",
    "RequestTimeoutException",
    "IDPCommunicationError",
}
_PASSING_STATUSES = frozenset({429, 500, 502, 503, 504})


def is_temporary(code: str, status: int) -> bool:
    """Return whether the same request may succeed after a moment.

    These are the codes and statuses that botocore's standard mode retries.
    """
    return code in _PASSING or status in _PASSING_STATUSES


_OPERATIONS = {
    "AssumeRole": "sts:AssumeRole",
    "AssumeRoleWithWebIdentity": "sts:AssumeRoleWithWebIdentity",
    "GetRoleCredentials": "sso:GetRoleCredentials",
    "CreateOAuth2Token": "signin:CreateOAuth2Token",
}
_WHERE_KEYS_ARE = {
    "custom-process": "run its credential_process to see why",
    "container-role": "see the role of the task or pod, and what listens there",
    "Environment": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "EcsContainer": "its credential_source is for ECS tasks and EKS pods alone",
    "Ec2InstanceMetadata": "attach an instance profile, or change credential_source",
}
_TOO_MANY = 429
_ACCESS = "allow it in the identity's IAM policy"
_BY_KEYS, _BY_TOKEN = "sts:AssumeRole", "sts:AssumeRoleWithWebIdentity"
_CLOCK = ("this machine's clock differs from AWS's", "set the clock (NTP)")
_SIGNATURE = (
    "AWS finds the signature wrong",
    "see that the secret access key belongs to the access key id",
)
_REGION = (
    "the account is not open to this region",
    "enable the region for the account",
)
_KEYS = (
    "AWS does not know these access keys",
    "see that the keys are whole, active and of this partition",
)
_IN_IAM = "see the OIDC provider in IAM with its audiences, and the role's trust policy"
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
        _IN_IAM,
    ),
    "IDPCommunicationError": (
        "AWS could not reach the issuer of the web identity token",
        "try again; then see the issuer's discovery document",
    ),
    "InvalidParameterException": (
        "AWS does not accept the registry's account id",
        "see the account in the registry's host name",
    ),
    "OptInRequired": _REGION,
    "RegionDisabledException": _REGION,
}
_OF = {
    "sts:AssumeRole": {
        "ValidationError": (
            "AWS does not accept what is asked of the role",
            "see role_arn, role_session_name, external_id and duration_seconds",
        ),
    },
    "sts:AssumeRoleWithWebIdentity": {
        "ExpiredToken": (
            "the web identity token has expired",
            "see whoever renews the file that AWS_WEB_IDENTITY_TOKEN_FILE names",
        ),
        "IDPRejectedClaim": (
            "the issuer of the web identity token takes it back",
            "see whether the token was revoked, and have a new one written",
        ),
        "ValidationError": (
            "AWS does not accept what is asked of the role",
            "see AWS_ROLE_ARN and AWS_ROLE_SESSION_NAME",
        ),
    },
    "sso:GetRoleCredentials": {
        "ForbiddenException": (
            "AWS SSO does not give this login the role that the profile names",
            "see that the role is assigned to it: sso_account_id and sso_role_name",
        ),
        "ResourceNotFoundException": (
            "AWS SSO knows no such account or role",
            "see sso_account_id and sso_role_name of the profile",
        ),
    },
}
"""What a code means for one operation, where it differs from _MEANINGS."""


class Trust:
    """The ARN of the role that is asked for, and the token shown; "" if unknown."""

    def __init__(self, role: str = "", token: str | bytes = "") -> None:
        self.role = role
        self.token = token if isinstance(token, bytes) else token.encode()

    def needed(self, operation: str, message: str) -> str:
        """Return which role, issuer, subject and audience the policies must name.

        Empty for an operation that does not ask for a role.
        """
        if operation not in {_BY_KEYS, _BY_TOKEN}:
            return ""
        role = _arn_in(message.partition("resource:")[2]) or _word(self.role)
        policy = f"the trust policy of {role}" if role else "the role's trust policy"
        if operation == _BY_KEYS:
            return (
                f"allow it in the identity's IAM policy, and the identity in {policy}"
            )
        told = self.claims("issuer", "subject", "audience")
        return f"allow {told or 'its issuer, subject and audience'} in {policy}"

    def claims(self, *names: str) -> str:
        """Return the named claims of the token, as text; none of them is a secret."""
        from dockcred.transport.json_reader import claims_of  # noqa: PLC0415 - a refusal only

        keys = {"issuer": "iss", "subject": "sub", "audience": "aud"}
        found = claims_of(self.token)
        said = {name: found[keys[name]] for name in names if keys[name] in found}
        return ", ".join(f"the {name} {_claim(value)}" for name, value in said.items())


def _claim(value: object) -> str:
    """Return a claim as text that is safe to show; an audience may be a list."""
    values = value if isinstance(value, list) else [value]
    return " and ".join(ascii(str(each))[1:-1][:200] for each in values)


def meaning(
    code: str,
    message: str,
    operation: str,
    status: int = 0,
    trust: Trust | None = None,
    *,
    date: str = "",
) -> IssueError:
    """Return the error, with cause and remedy, for an error code of an operation.

    `date` is the answer's Date header. `trust` is what a role was asked for with.

    The error is a RefusedError where AWS has decided about the identity. It is not
    where the same request may succeed in a moment, nor where the answer holds no AWS
    code.
    """
    trust = trust or Trust()
    code = code.rpartition("#")[2]
    if code == "ExpiredTokenException":
        code = "ExpiredToken"
    told = _OF.get(operation, {}).get(code) or _MEANINGS.get(code)
    if code in THROTTLED or (status == _TOO_MANY and not told):
        return ThrottledError(
            f"AWS throttles {operation}", "try again later, or ask for a higher quota"
        )
    if code.startswith("AccessDenied"):
        who = f" for {arn}" if (arn := _arn_in(message)) else ""
        needed = operation
        if operation.startswith("ecr-public:"):
            needed += " and sts:GetServiceBearerToken"
        remedy = trust.needed(operation, message) or _ACCESS
        return RefusedError(f"AWS denies {needed}{who}", remedy)
    if code == "InvalidIdentityToken" and (said := trust.claims("issuer", "audience")):
        return RefusedError(
            told[0] if told else code, f"{_IN_IAM}: the token has {said}"
        )
    if told is _CLOCK:
        is_told = code != "InvalidSignatureException" or "expired" in message.lower()
        told = _clock(date, is_told=is_told and code != "SignatureDoesNotMatch")
    is_aws = bool(code) and " " not in code and not code.isdecimal()
    if is_temporary(code, status):
        default, kind = "try again; then see AWS Health", IssueError
    elif is_aws:
        default, kind = "see what AWS's documentation says of it", RefusedError
    else:
        default, kind = (
            "see what listens there: a proxy or a captive portal",
            IssueError,
        )
    return kind(*(told or (f"{operation} failed at AWS ({_word(code)})", default)))


def _clock(date: str, *, is_told: bool) -> tuple[str, str]:
    """Return cause and remedy for a refused signature: a wrong clock, or wrong keys.

    If the Date header tells that the clocks differ, the difference is the cause. Else
    `is_told` decides: it is true where AWS itself blames the clock.
    """
    from dockcred.transport.http import clock_off  # noqa: PLC0415 - a refusal only

    if said := clock_off(date, "AWS's"):
        return said, _CLOCK[1]
    return _CLOCK if is_told else _SIGNATURE


def _arn_in(message: str) -> str:
    for word in message.split():
        if word.startswith("arn:"):
            return _word(word)
    return ""


def _word(text: str) -> str:
    """Return only the characters that ARNs and codes have: the text is not trusted."""
    return "".join(c for c in text[:200] if c.isalnum() or c in ":/._-+=,@")


def of_answer(
    answer: Mapping[str, Any], operation_name: str, service: str, trust: Trust
) -> IssueError:
    """Return the error for botocore's answer; `service` is ecr or ecr-public."""
    found = answer.get("Error", {})
    operation = _OPERATIONS.get(operation_name, f"the operation {operation_name}")
    if operation_name == "GetAuthorizationToken":
        operation = f"{service}:{operation_name}"
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code, message = str(found.get("Code", "")), str(found.get("Message", ""))
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    date = headers.get("date", "")
    return meaning(code, message, operation, status, trust, date=date)


def unnamed(error: TransportError, name: str) -> TransportError:
    """Return the error for an API's host name that does not resolve.

    Mostly the region in the name does not exist: then the error says so.
    """
    from dockcred.identity.misspelt import unknown_region  # noqa: PLC0415 - a failure

    found = unknown_region(name)
    if found is None:
        return error
    why, near = found
    remedy = f"see the region in the registry's name: {', '.join(near)}"
    return TransportError(
        f"{error.cause}: {why}", remedy if near else "see AWS's list of regions"
    )


def missing() -> MissingIdentityError:
    """Return the error for the case that botocore finds no credentials."""
    return MissingIdentityError(
        "no AWS identity was found in variables, profiles, container or metadata",
        "configure one (aws configure, aws sso login) or set AWS_PROFILE",
    )


def no_keys(provider: str) -> IssueError:
    """Return the error for a chosen source that gives no keys."""
    return IssueError(
        f"AWS keys were not had from {provider}",
        _WHERE_KEYS_ARE.get(provider, "see the profile's settings"),
    )
