"""A GitHub Actions job's token, minted by GitHub for one audience.

docs.github.com, "OpenID Connect reference"; the request is that of @actions/core
(github.com/actions/toolkit, oidc-utils.ts).
"""

from __future__ import annotations

from dockcred.errors import IssueError, MissingIdentityError
from dockcred.providers.oidc import id_token
from dockcred.providers.oidc.source import Source, text_in
from dockcred.transport.form import urlencode
from dockcred.transport.http import request
from dockcred.transport.retry import patiently
from dockcred.transport.target import Target
from dockcred.version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.environment import Environment
    from dockcred.providers.oidc.id_token import IDToken

_URL, _TOKEN = "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
_OK, _REFUSED = 200, frozenset({401, 403})


class GitHubActions(Source):
    """The job's own address is in the key: the next job has another."""

    name = "oidc:github-actions"

    def __init__(self, environment: Environment) -> None:
        """Hold the variables; MissingIdentityError where the job may not ask."""
        super().__init__(environment)
        if not environment.get(_URL) or not environment.get(_TOKEN):
            raise MissingIdentityError(
                "this GitHub Actions job may not ask for an ID token: its permissions "
                "lack id-token: write",
                "add it to the job's permissions; a pull request from a fork has none",
            )

    def token(self) -> IDToken:
        """Ask for a token for the audience that is configured."""
        get = self._environment.get
        wanted = id_token.audience(self._environment)
        url = get(_URL)
        joint = "&" if "?" in url else "?"
        answer = patiently(
            lambda: request(
                "GET",
                f"{url}{joint}{urlencode({'audience': wanted})}",
                self._environment,
                headers={
                    "authorization": f"Bearer {get(_TOKEN)}",
                    "accept": "application/json; api-version=2.0",
                    "user-agent": f"dockcred/{__version__}",
                },
            )
        )
        name = Target(url).netloc
        if answer.status in _REFUSED:
            raise IssueError(
                f"{name} refuses this job an ID token (status {answer.status})",
                "see whether the job is over: its variables are good while it runs",
            )
        if answer.status != _OK:
            raise IssueError(
                f"{name} gave no ID token (status {answer.status})",
                "try again; then see githubstatus.com",
            )
        value = text_in(answer, "value", name, "GitHub")
        return id_token.checked(value, self._environment, "the token from GitHub")
