"""Quay's robot federation: a robot account that trusts an issuer and a subject.

docs.redhat.com, "Keyless authentication with robot accounts". The registry itself is
who exchanges.
"""

from __future__ import annotations

from dockcred.providers.oidc import answers, exchanges
from dockcred.transport.http import request
from dockcred.transport.retry import patiently
from dockcred.transport.target import is_loopback

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.credential import Credential
    from dockcred.environment import Environment
    from dockcred.providers.oidc.id_token import IDToken
    from dockcred.server_url import ServerURL


class Quay:
    """One robot account of quay.io or of a Quay of one's own."""

    sources: tuple[str, ...] = ()

    def __init__(self, server: ServerURL, environment: Environment) -> None:
        """Know the registry and the robot."""
        scheme = "http" if is_loopback(server.host) else "https"
        port = f":{server.port}" if server.port else ""
        self._url = f"{scheme}://{server.host}{port}/oauth2/federation/robot/token"
        self._robot = exchanges.named_as(environment, "the robot's name")
        self._environment = environment

    def credential(self, token: IDToken) -> Credential:
        """Show robot and token, and get the robot's password for an hour."""
        from binascii import b2a_base64  # noqa: PLC0415 - this exchange only

        basic = b2a_base64(f"{self._robot}:{token.value}".encode(), newline=False)
        answer = patiently(
            lambda: request(
                "GET",
                self._url,
                self._environment,
                headers={
                    "authorization": f"Basic {basic.decode()}",
                    "accept": "application/json",
                },
            )
        )
        return answers.credential(
            answer,
            self._url,
            self._robot,
            "token",
            "see the robot's federation: the issuer and subject that it trusts",
        )
