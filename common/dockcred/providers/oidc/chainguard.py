"""Chainguard's registry: an assumable identity that trusts an issuer and a subject.

edu.chainguard.dev, "Assumable identities"; the user name is docker/login-action's.
"""

from __future__ import annotations

from dockcred.providers.oidc import answers, exchanges
from dockcred.transport.form import urlencode
from dockcred.transport.http import request
from dockcred.transport.retry import patiently

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.credential import Credential
    from dockcred.environment import Environment
    from dockcred.providers.oidc.id_token import IDToken
    from dockcred.server_url import ServerURL

REGISTRY = "cgr.dev"
URL = "https://issuer.enforce.dev/sts/exchange"
_USERNAME = "user"


class Chainguard:
    """One identity."""

    sources: tuple[str, ...] = ()

    def __init__(self, server: ServerURL, environment: Environment) -> None:
        """Check the registry and who one is there."""
        if server.host != REGISTRY:
            raise exchanges.refuse_host(server, "chainguard", REGISTRY)
        self._identity = exchanges.named_as(environment, "the identity's id")
        self._environment = environment

    def credential(self, token: IDToken) -> Credential:
        """Exchange the token for the registry's."""
        query = urlencode({"aud": REGISTRY, "identity": self._identity})
        answer = patiently(
            lambda: request(
                "GET",
                f"{URL}?{query}",
                self._environment,
                headers={
                    "authorization": f"Bearer {token.value}",
                    "accept": "application/json",
                },
            )
        )
        return answers.credential(
            answer,
            URL,
            _USERNAME,
            "token",
            "see the identity's claim match, and the audience of the job's token",
        )
