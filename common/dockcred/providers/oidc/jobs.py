"""Tokens of CI jobs: from a file or a variable, or by a request over HTTP."""

from __future__ import annotations

import os

from dockcred.errors import InvalidInputError, IssueError, MissingIdentityError
from dockcred.providers.oidc import id_token
from dockcred.providers.oidc.id_token import TokenSource, text_in
from dockcred.system.version import __version__
from dockcred.transport.http import request, with_retries
from dockcred.transport.target import Target, urlencode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.providers.oidc.id_token import IDToken
    from dockcred.system.environment import Environment

_FILE, _VARIABLE = "DOCKCRED_OIDC_TOKEN_FILE", "DOCKCRED_OIDC_TOKEN_VARIABLE"


class TokenFile(TokenSource):
    """A token file that somebody keeps fresh, such as Kubernetes' projected token.

    Its issuer and subject are conditions of the cache entry.
    """

    name = "oidc:file"

    def __init__(self, environment: Environment) -> None:
        """Keep the path; raise InvalidInputError if it is not absolute or no file."""
        super().__init__(environment)
        self._path = environment.get(_FILE)
        if not os.path.isabs(self._path):
            raise InvalidInputError(
                f"{_FILE} is not an absolute path",
                "name the file by its path from the root",
            )
        # To read from a pipe without a writer would block.
        if os.path.exists(self._path) and not os.path.isfile(self._path):
            raise InvalidInputError(
                f"{_FILE} names {self._path}, which is no file", "name the token's file"
            )
        self.tokens = (self._path,)

    def token(self) -> IDToken:
        """Read the file."""
        try:
            with open(self._path, encoding="ascii") as file:
                text = file.read(id_token.MAX_BYTES + 1)
        except (OSError, ValueError):
            raise IssueError(
                f"{_FILE} names {self._path}, where no token can be read",
                "see that the file is mounted and readable by this user",
            ) from None
        return id_token.checked(text, self._environment, self._origin())

    def _origin(self) -> str:
        return f"the token in {self._path}"


class Kubelet(TokenFile):
    """The pod's service account token, which kubelet sends along with an image.

    Its file is in this process's memory only. The account is in the cache key.
    """

    name = "oidc:kubelet"

    def __init__(self, environment: Environment) -> None:
        """Keep the file's path; MissingIdentityError where kubelet sent no token."""
        if not environment.get(_FILE):
            raise MissingIdentityError(
                "kubelet sent no service account token with this image",
                "see tokenAttributes in its credential provider configuration; a static"
                " pod has no account",
            )
        super().__init__(environment)

    def _origin(self) -> str:
        return "the service account's token"


class Variable(TokenSource):
    """A variable that the CI system sets; it does not tell whose job this is."""

    name = "oidc:variable"

    def token(self) -> IDToken:
        """Return the variable's value."""
        name = self._environment.get(_VARIABLE)
        if not name:
            raise InvalidInputError(f"{_VARIABLE} is not set", "name the variable")
        value = self._environment.get(name)
        if not value:
            raise self._missing(name)
        return id_token.checked(value, self._environment, f"the token in {name}")

    def _missing(self, name: str) -> MissingIdentityError:
        return MissingIdentityError(
            f"{_VARIABLE} names {name}, which is not set",
            "see that the job has its token there",
        )


class GitLab(Variable):
    """A GitLab job's token: `id_tokens` puts it into a variable of any name.

    Source: docs.gitlab.com, "OpenID Connect (OIDC) Authentication Using ID Tokens". If
    no variable is named, its name is the one that sigstore's clients use: the audience,
    followed by _ID_TOKEN.
    """

    def __init__(self, environment: Environment) -> None:
        """Set the variable's name; the job's number is in the cache key."""
        named = environment.get(_VARIABLE) or _conventional(environment)
        super().__init__(environment.with_values({_VARIABLE: named}))
        self.name = "oidc:gitlab" if environment.get("CI_JOB_ID") else Variable.name

    def _missing(self, name: str) -> MissingIdentityError:
        wanted = id_token.audience(self._environment)
        return MissingIdentityError(
            f"this GitLab job has no ID token in {name}",
            f"add to the job: id_tokens: {{{name}: {{aud: {wanted}}}}}",
        )


def _conventional(environment: Environment) -> str:
    text = id_token.audience(environment).upper()
    plain = "".join(c if c.isascii() and c.isalnum() else "_" for c in text)
    start = "_" if plain[0].isdigit() else plain[0]
    return f"{start}{plain[1:]}_ID_TOKEN"


_AZURE_URL, _AZURE_TOKEN = "SYSTEM_OIDCREQUESTURI", "SYSTEM_ACCESSTOKEN"
_CONNECTION = "DOCKCRED_OIDC_SERVICE_CONNECTION"
_AZURE_OK = 200


class AzurePipelines(TokenSource):
    """The token of an Azure Pipelines job, for a service connection.

    The job's own address is in the cache key: the next job has another.
    """

    name = "oidc:azure-pipelines"

    def __init__(self, environment: Environment) -> None:
        """Keep the variables; MissingIdentityError names the one that is not set."""
        super().__init__(environment)
        for name, remedy in (
            (_AZURE_URL, "run this in a job of Azure Pipelines"),
            (
                _AZURE_TOKEN,
                f"map it for the step: env: {_AZURE_TOKEN}: $(System.AccessToken)",
            ),
            (_CONNECTION, "set it to the service connection's id"),
        ):
            if not environment.get(name):
                raise MissingIdentityError(
                    f"this Azure Pipelines job has no ID token: {name} is not set",
                    remedy,
                )

    def token(self) -> IDToken:
        """Return the service connection's token."""
        get = self._environment.get
        fields = {"api-version": "7.1", "serviceConnectionId": get(_CONNECTION)}
        answer = with_retries(
            lambda: request(
                "POST",
                f"{get(_AZURE_URL).rstrip('/')}?{urlencode(fields)}",
                self._environment,
                headers={
                    "authorization": f"Bearer {get(_AZURE_TOKEN).strip()}",
                    "content-type": "application/json",
                    # Without this a refusal is a redirect to a login page.
                    "x-tfs-fedauthredirect": "Suppress",
                },
            )
        )
        name = Target(get(_AZURE_URL)).netloc
        if answer.status != _AZURE_OK:
            raise IssueError(
                f"{name} refuses this job an ID token (status {answer.status})",
                f"see {_CONNECTION}, and whether the pipeline may use it",
            )
        value = text_in(answer, "oidcToken", name, "Azure Pipelines")
        origin = "the token from Azure Pipelines"
        return id_token.checked(value, self._environment, origin)


_URL, _TOKEN = "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
_OK, _REFUSED = 200, frozenset({401, 403})


class GitHubActions(TokenSource):
    """The token of a GitHub Actions job.

    The job's own address is in the cache key: the next job has another.
    """

    name = "oidc:github-actions"

    def __init__(self, environment: Environment) -> None:
        """Keep the variables; MissingIdentityError where the job has no permission."""
        super().__init__(environment)
        if not environment.get(_URL) or not environment.get(_TOKEN):
            raise MissingIdentityError(
                "this GitHub Actions job may not ask for an ID token: its permissions "
                "lack id-token: write",
                "add it to the job's permissions; a pull request from a fork has none",
            )

    def token(self) -> IDToken:
        """Return a token for the configured audience."""
        get = self._environment.get
        wanted = id_token.audience(self._environment)
        url = get(_URL).strip()
        joint = "&" if "?" in url else "?"
        answer = with_retries(
            lambda: request(
                "GET",
                f"{url}{joint}{urlencode({'audience': wanted})}",
                self._environment,
                headers={
                    "authorization": f"Bearer {get(_TOKEN).strip()}",
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
