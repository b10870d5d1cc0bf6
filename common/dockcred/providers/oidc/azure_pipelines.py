"""An Azure Pipelines job's token, by a service connection.

The request is that of azure-identity's AzurePipelinesCredential. The audience is
Azure's own, api://AzureADTokenExchange, and must be the one that is configured.
"""

from __future__ import annotations

from dockcred.errors import IssueError, MissingIdentityError
from dockcred.providers.oidc import id_token
from dockcred.providers.oidc.source import Source, text_in
from dockcred.transport.form import urlencode
from dockcred.transport.http import request
from dockcred.transport.retry import patiently
from dockcred.transport.target import Target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.environment import Environment
    from dockcred.providers.oidc.id_token import IDToken

_URL, _TOKEN = "SYSTEM_OIDCREQUESTURI", "SYSTEM_ACCESSTOKEN"
_CONNECTION = "DOCKCRED_OIDC_SERVICE_CONNECTION"
_OK = 200


class AzurePipelines(Source):
    """The job's own address is in the key: the next job has another."""

    name = "oidc:azure-pipelines"

    def __init__(self, environment: Environment) -> None:
        """Hold the variables; MissingIdentityError names the one that is not set."""
        super().__init__(environment)
        for name, remedy in (
            (_URL, "run this in a job of Azure Pipelines"),
            (_TOKEN, f"map it for the step: env: {_TOKEN}: $(System.AccessToken)"),
            (_CONNECTION, "set it to the service connection's id"),
        ):
            if not environment.get(name):
                raise MissingIdentityError(
                    f"this Azure Pipelines job has no ID token: {name} is not set",
                    remedy,
                )

    def token(self) -> IDToken:
        """Ask for the service connection's token."""
        get = self._environment.get
        fields = {"api-version": "7.1", "serviceConnectionId": get(_CONNECTION)}
        answer = patiently(
            lambda: request(
                "POST",
                f"{get(_URL).rstrip('/')}?{urlencode(fields)}",
                self._environment,
                headers={
                    "authorization": f"Bearer {get(_TOKEN)}",
                    "content-type": "application/json",
                    # Else a refusal is a redirect to a page where people log in.
                    "x-tfs-fedauthredirect": "Suppress",
                },
            )
        )
        name = Target(get(_URL)).netloc
        if answer.status != _OK:
            raise IssueError(
                f"{name} refuses this job an ID token (status {answer.status})",
                f"see {_CONNECTION}, and whether the pipeline may use it",
            )
        value = text_in(answer, "oidcToken", name, "Azure Pipelines")
        origin = "the token from Azure Pipelines"
        return id_token.checked(value, self._environment, origin)
