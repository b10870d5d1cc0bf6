"""The variables by which a cloud's provider asks as the bearer of another's token.

The token stays in memory: the providers read it as the file of an anonymous memory
descriptor, which no child program inherits and no other user can open. What would
stand before or upon that identity is hidden.
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
    # The direct road knows no credentials file: it would ask as the machine.
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
    """Assume a role; AWS notes the session by its name, here in AWS's characters."""
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
    """Assume a RAM role, which trusts the token's issuer as this OIDC provider."""
    name = "".join(c if c in _ALIBABA_SESSION else "-" for c in session)
    return {
        **dict.fromkeys(_ALIBABA_HIDES, ""),
        "ALIBABA_CLOUD_ROLE_ARN": role,
        "ALIBABA_CLOUD_OIDC_PROVIDER_ARN": provider,
        "ALIBABA_CLOUD_ROLE_SESSION_NAME": name[:_MAX_SESSION],
        "ALIBABA_CLOUD_OIDC_TOKEN_FILE": in_memory(token),
    }


def azure(token: str, client: str, tenant: str) -> dict[str, str]:
    """Return the variables of an application that trusts the token's subject."""
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
    """Return variables of a pool's provider, and of a service account if one is named.

    `origin` is what named the account, for the error where it is none; `universe` is
    the pool's, by default Google's own.
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
    """Return a failure with what was asked for, as whom and with a token for whom.

    These are what the other side's trust policy must name, and no secrets. A failure
    of the connection, for want of time, or of too many calls, is returned as it is.
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
    """Return a stranger's text without what would end the line, and not too long."""
    plain = text.encode("ascii", "backslashreplace").decode()
    return plain if len(plain) <= _SHOWN else f"{plain[:_SHOWN]}..."


def _pool(audience: str, token_file: str, universe: str) -> dict[str, object]:
    """Return an external_account file, which holds no secret."""
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
    """Return the path of a file that exists in this process only; Linux has those."""
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
