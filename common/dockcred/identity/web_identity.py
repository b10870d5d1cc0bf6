"""Return the variables with which a cloud's provider uses another issuer's token.

The token stays in memory: the providers read it through the path of a memfd's file
descriptor, which no child program inherits and no other user can open. Variables that
would choose another identity, or change this one, are hidden (set to "").
"""

from __future__ import annotations

import json
import os

from dockcred.errors import (
    InvalidInputError,
    IssueError,
    ThrottledError,
    TimedOutError,
    TransportError,
)
from dockcred.identity.config.settings import AWS_IDENTITIES, AZURE_PROOFS
from dockcred.system.environment.google import UNIVERSE

_AWS_HIDES = (
    "AWS_PROFILE",
    "DOCKCRED_AWS_PROFILE",
    "DOCKCRED_AWS_ROLE_ARN",
    *AWS_IDENTITIES,
)
_GOOGLE_HIDES = (
    "GOOGLE_IMPERSONATE_SERVICE_ACCOUNT",
    "CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT",
    # The direct road (without the SDK) reads no credentials file. It would use the
    # machine's identity.
    "DOCKCRED_ROAD",
)
_SESSION = frozenset(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+=,.@-"
)
_ALIBABA_HIDES = (
    "ALIBABA_CLOUD_ACCESS_KEY_ID",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
    "ALIBABA_CLOUD_SECURITY_TOKEN",
)
_ALIBABA_SESSION = _SESSION - frozenset("+=,")
_MAX_SESSION = 64
_JWT = "urn:ietf:params:oauth:token-type:jwt"


def aws(token: str, role: str, session: str) -> dict[str, str]:
    """Return variables that assume an AWS role with the token.

    The session name is shown in AWS's logs; its characters are those that AWS allows.
    """
    name = "".join(c if c in _SESSION else "-" for c in session)
    return {
        **dict.fromkeys(_AWS_HIDES, ""),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_ROLE_ARN": role,
        "AWS_ROLE_SESSION_NAME": name[:_MAX_SESSION],
        "AWS_WEB_IDENTITY_TOKEN_FILE": in_memory(token),
    }


def alibaba(token: str, role: str, provider: str, session: str) -> dict[str, str]:
    """Return variables that assume a RAM role with the token.

    The role trusts the token's issuer by the OIDC provider `provider` (an ARN).
    """
    name = "".join(c if c in _ALIBABA_SESSION else "-" for c in session)
    return {
        **dict.fromkeys(_ALIBABA_HIDES, ""),
        "ALIBABA_CLOUD_ROLE_ARN": role,
        "ALIBABA_CLOUD_OIDC_PROVIDER_ARN": provider,
        "ALIBABA_CLOUD_ROLE_SESSION_NAME": name[:_MAX_SESSION],
        "ALIBABA_CLOUD_OIDC_TOKEN_FILE": in_memory(token),
    }


def azure(token: str, client: str, tenant: str) -> dict[str, str]:
    """Return variables for an Azure application that trusts the token's subject."""
    return {
        **dict.fromkeys(AZURE_PROOFS, ""),
        "AZURE_TOKEN_CREDENTIALS": "WorkloadIdentityCredential",
        "AZURE_CLIENT_ID": client,
        "AZURE_TENANT_ID": tenant,
        "AZURE_FEDERATED_TOKEN_FILE": in_memory(token),
    }


def google(
    token: str, audience: str, account: str, origin: str, universe: str = ""
) -> dict[str, str]:
    """Return variables for a workload identity pool's provider, which is `audience`.

    If `account` is set, that service account is impersonated. `origin` is the setting
    that named it, for the InvalidInputError if it is none. `universe` is the pool's
    universe domain, by default Google's own.
    """
    fields = _pool(audience, in_memory(token), universe or UNIVERSE)
    if account:
        fields |= _impersonating(account, origin, universe or UNIVERSE)
    return {
        **dict.fromkeys(_GOOGLE_HIDES, ""),
        "GOOGLE_APPLICATION_CREDENTIALS": in_memory(json.dumps(fields)),
    }


_SHOWN = 150


def refusal(error: IssueError, role: str, subject: str, audience: str) -> IssueError:
    """Return the error with role, subject and audience added to its cause.

    The cloud's trust policy must name these three, and they are no secrets. An error
    of the connection, a timeout or a throttle is returned unchanged.
    """
    if isinstance(error, (TransportError, TimedOutError, ThrottledError)):
        return error
    asked = f"asked for {_shown(role)}" if role else "asked"
    cause = (
        f"{error.cause}; it was {asked} as {_shown(subject) or 'nobody'} with the "
        f"audience {_shown(audience)}"
    )
    return type(error)(cause, error.remedy)


def _shown(text: str) -> str:
    """Return an untrusted text as ASCII, cut at _SHOWN (150) characters."""
    plain = text.encode("ascii", "backslashreplace").decode()
    return plain if len(plain) <= _SHOWN else f"{plain[:_SHOWN]}..."


def _pool(audience: str, token_file: str, universe: str) -> dict[str, object]:
    """Return the content of an external_account file; it has no secret."""
    return {
        "type": "external_account",
        "audience": audience,
        "subject_token_type": _JWT,
        "token_url": f"https://sts.{universe}/v1/token",
        "credential_source": {"file": token_file},
        "universe_domain": universe,
    }


def _impersonating(account: str, origin: str, universe: str) -> dict[str, object]:
    plain = account.replace("@", "").replace("-", "").replace(".", "")
    if not plain.isascii() or not plain.isalnum():
        raise InvalidInputError(
            f"{origin} is not a service account's address", "fix it"
        )
    accounts = f"https://iamcredentials.{universe}/v1/projects/-/serviceAccounts"
    url = f"{accounts}/{account}:generateAccessToken"
    return {"service_account_impersonation_url": url}


def in_memory(text: str) -> str:
    """Return the path of a file in memory that exists in this process only.

    Raises IssueError except on Linux.
    """
    if not hasattr(os, "memfd_create"):
        raise IssueError(
            "a cloud is shown a token of another issuer on Linux only",
            "run this on Linux, or use the cloud's own login action",
        )
    descriptor = os.memfd_create("dockcred", os.MFD_CLOEXEC)
    data = text.encode()
    while data:
        data = data[os.write(descriptor, data) :]
    return f"/proc/self/fd/{descriptor}"
