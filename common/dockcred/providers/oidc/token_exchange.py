"""Any endpoint that exchanges tokens as RFC 8693 has it."""

from __future__ import annotations

from dockcred.providers.oidc import answers, exchanges
from dockcred.transport.form import urlencode
from dockcred.transport.http import request
from dockcred.transport.retry import patiently
from dockcred.transport.target import Target
from dockcred.version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from dockcred.credential import Credential
    from dockcred.environment import Environment
    from dockcred.providers.oidc.id_token import IDToken

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105 - a name
_OPTIONAL = {
    "client_id": exchanges.AS,
    "audience": "DOCKCRED_OIDC_EXCHANGE_AUDIENCE",
    "scope": "DOCKCRED_OIDC_EXCHANGE_SCOPE",
}


def exchange(
    url: str,
    token: IDToken,
    fields: Mapping[str, str],
    environment: Environment,
    *,
    username: str,
    remedy: str,
) -> Credential:
    """Post a token with more fields; the answer's access token is the password."""
    form = {
        "grant_type": GRANT,
        "subject_token_type": ID_TOKEN,
        **fields,
        "subject_token": token.value,
    }
    answer = patiently(
        lambda: request(
            "POST",
            url,
            environment,
            headers={
                "content-type": "application/x-www-form-urlencoded",
                "accept": "application/json",
                "user-agent": f"dockcred/{__version__}",
            },
            body=urlencode(form).encode(),
        )
    )
    return answers.credential(answer, url, username, "access_token", remedy)


class Endpoint:
    """The endpoint that is configured, https unless it is on this machine."""

    sources: tuple[str, ...] = ()

    def __init__(self, url: str, environment: Environment) -> None:
        """Check where the token would go; InvalidInputError where it may not."""
        Target(url)
        self._url = url
        self._username = exchanges.username(environment)
        self._environment = environment

    def credential(self, token: IDToken) -> Credential:
        """Exchange the token."""
        get = self._environment.get
        fields = {name: get(variable) for name, variable in _OPTIONAL.items()}
        fields["subject_token_type"] = get("DOCKCRED_OIDC_SUBJECT_TOKEN_TYPE", ID_TOKEN)
        return exchange(
            self._url,
            token,
            {name: value for name, value in fields.items() if value},
            self._environment,
            username=self._username,
            remedy="see the audience, scope and trust that it has for this issuer",
        )
