"""Another service account's token, by the IAM Credentials API.

cloud.google.com/iam/docs/create-short-lived-credentials-direct: the one who asks
needs roles/iam.serviceAccountTokenCreator on the account.
"""

from __future__ import annotations

import json
from datetime import datetime

from dockcred.errors import InvalidInputError, TransportError
from dockcred.providers.google import problems
from dockcred.providers.google.access_token import SCOPE, Token, is_sound
from dockcred.transport.http import request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.environment import Environment

LIFETIME_S = 3600
_OK = 200


def url_for(account: str) -> str:
    """Answer where a service account's token is asked for.

    Raises InvalidInputError where the text is no account's address.
    """
    name, at, domain = account.partition("@")
    characters = set(name + domain)
    plain = all(c.isascii() and (c.isalnum() or c in "-._") for c in characters)
    if not (name and at and domain and plain):
        raise InvalidInputError(
            "the service account to impersonate is not an e-mail address",
            "see GOOGLE_IMPERSONATE_SERVICE_ACCOUNT",
        )
    return (
        "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/"
        f"{account}:generateAccessToken"
    )


def mint(
    url: str,
    token: Token,
    environment: Environment,
    *,
    delegates: list[str] | None = None,
    lifetime_s: int = LIFETIME_S,
) -> Token:
    """Trade one's own token for the account's."""
    account = url.rpartition("/")[2].partition(":")[0]
    body = {
        "delegates": delegates or [],
        "scope": [SCOPE],
        "lifetime": f"{lifetime_s}s",
    }
    answer = request(
        "POST",
        url,
        environment,
        headers={
            "authorization": f"Bearer {token.value}",
            "content-type": "application/json",
        },
        body=json.dumps(body).encode(),
    )
    if answer.status != _OK:
        raise problems.meaning(
            str(answer.status),
            "",
            f"impersonation of {account}",
            "grant the identity at hand roles/iam.serviceAccountTokenCreator on it "
            "(roles/iam.workloadIdentityUser for a federated one)",
        )
    try:
        fields = json.loads(answer.body)
        value = fields["accessToken"]
        expires_at = datetime.fromisoformat(fields["expireTime"]).timestamp()
    except (ValueError, LookupError, TypeError):
        value, expires_at = "", 0.0
    if not is_sound(value):
        raise TransportError(
            "the IAM Credentials API did not answer as Google does",
            "see what listens there: a proxy, or a captive portal",
        )
    return Token(value, expires_at)
