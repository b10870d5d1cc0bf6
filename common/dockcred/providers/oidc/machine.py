"""A Google machine's ID token, from its metadata server.

cloud.google.com/compute/docs/instances/verifying-instance-identity. Cloud Build, Cloud
Run and GKE answer the same path.
"""

from __future__ import annotations

from dockcred.errors import IssueError, MissingIdentityError, TransportError
from dockcred.providers.oidc import id_token
from dockcred.providers.oidc.source import Source
from dockcred.transport.form import urlencode
from dockcred.transport.http import request
from dockcred.transport.response import Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.environment import Environment
    from dockcred.providers.oidc.id_token import IDToken

_ACCOUNT = "/computeMetadata/v1/instance/service-accounts/default/"
_HOSTS = ("GCE_METADATA_HOST", "GCE_METADATA_ROOT", "GCE_METADATA_IP")
_FLAVOR = {"metadata-flavor": "Google"}
_OK = 200


class Google(Source):
    """The default service account, which the metadata server vouches for."""

    name = "oidc:google"

    def __init__(self, environment: Environment) -> None:
        """Find the server; nothing is asked yet."""
        super().__init__(environment)
        self._base = f"http://{environment.first(*_HOSTS) or '169.254.169.254'}"

    def token(self) -> IDToken:
        """Ask for a token for the audience that is configured."""
        wanted = id_token.audience(self._environment)
        query = urlencode({"audience": wanted, "format": "full"})
        answer = self._get(f"identity?{query}")
        text = answer.body.decode("ascii", "replace")
        return id_token.checked(text, self._environment, "the token from Google")

    def who(self) -> str:
        """Ask for the account's address."""
        return self._get("email").body.decode("ascii", "replace").strip()

    def _get(self, leaf: str) -> Response:
        try:
            answer = request(
                "GET",
                f"{self._base}{_ACCOUNT}{leaf}",
                self._environment,
                headers=_FLAVOR,
                timeout_s=3.0,
            )
        except TransportError as error:
            raise MissingIdentityError(
                f"this is no machine of Google's: {error.cause}",
                "choose another DOCKCRED_OIDC_SOURCE",
            ) from None
        if answer.headers.get("metadata-flavor") != "Google" or answer.status != _OK:
            raise IssueError(
                f"Google's metadata server gave no ID token (status {answer.status})",
                "see that the machine has a service account",
            )
        return answer
