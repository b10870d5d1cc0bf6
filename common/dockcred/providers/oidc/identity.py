"""The identity of a CI job: a source of its token, and an exchange."""

from __future__ import annotations

from dockcred.errors import InvalidInputError, IssueError, MissingIdentityError
from dockcred.identity.provider import Identity
from dockcred.providers.oidc import exchanges, id_token

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from dockcred.credential import Credential, ServerURL
    from dockcred.identity.provider import Provider
    from dockcred.providers.oidc.id_token import TokenSource
    from dockcred.system.environment import Environment

CHOICE = "DOCKCRED_OIDC_SOURCE"

# For each name of a source: the module, the class, and the variable that shows that it
# is there.
_SOURCES = {
    "file": ("jobs", "TokenFile", "DOCKCRED_OIDC_TOKEN_FILE"),
    "command": ("machine", "TokenCommand", "DOCKCRED_OIDC_TOKEN_COMMAND"),
    # GitLab's tokens are in a variable too, but a GitLab job is known by its number.
    "gitlab": ("jobs", "GitLab", "GITLAB_CI"),
    "variable": ("jobs", "Variable", "DOCKCRED_OIDC_TOKEN_VARIABLE"),
    "github-actions": ("jobs", "GitHubActions", "GITHUB_ACTIONS"),
    "circleci": ("machine", "CircleCI", "CIRCLECI"),
    "buildkite": ("machine", "Buildkite", "BUILDKITE"),
    "azure-pipelines": ("jobs", "AzurePipelines", "SYSTEM_OIDCREQUESTURI"),
    # This is used only where it is chosen: each machine of Google has such a token.
    "google": ("machine", "GoogleMetadata", ""),
    # kubelet's plugin chooses this where nothing else is configured.
    "kubelet": ("jobs", "Kubelet", ""),
}


def choose(environment: Environment) -> TokenSource:
    """Return the source that is configured, or the CI system's; it is not asked yet.

    Raises MissingIdentityError where there is no job's identity.
    """
    chosen = environment.get(CHOICE)
    if chosen and chosen not in _SOURCES:
        raise InvalidInputError(
            f"{CHOICE} names no source of a job's token",
            f"choose of {', '.join(_SOURCES)}",
        )
    for name, (module, kind, variable) in _SOURCES.items():
        if name == chosen or (not chosen and variable and environment.get(variable)):
            where = __import__(f"{__package__}.{module}", fromlist=[kind])
            found: TokenSource = getattr(where, kind)(environment)
            return found
    raise MissingIdentityError(
        "no job's identity was found: neither GitHub Actions, GitLab, CircleCI, "
        "Buildkite nor Azure Pipelines, and no token file, variable or command is "
        "configured",
        "set DOCKCRED_OIDC_TOKEN_FILE, or run this in the job that has the identity",
    )


class JobIdentity(Identity):
    """A job's own token, which is the password itself or is exchanged for it.

    A token that is the password itself is never kept: `oidc:plain` has no row.
    """

    def __init__(
        self,
        server: ServerURL,
        environment: Environment,
        load: Callable[[str], Provider],
    ) -> None:
        """Choose source and exchange, check the audience; no request is sent yet."""
        self._exchange = exchanges.choose(server, environment, load)
        self._source = choose(environment)
        self._audience = id_token.audience(environment)
        self.tokens = self._source.tokens
        self.sources = (self._source.name, *self._exchange.sources)

    def issue(self) -> Credential:
        """Get the token, and exchange it for what the registry accepts."""
        said = self._source.current_principal()
        token = self._source.token()
        try:
            credential = self._exchange.credential(token)
        except IssueError as error:
            from dockcred.identity.web_identity import refusal  # noqa: PLC0415 - a failure

            role = self._exchange.role
            told = refusal(error, role, token.subject, self._audience)
            raise told from None
        self.principal = said or token.subject
        return credential

    def current_principal(self) -> str:
        """Return who the source says it is; "" unless the source is a machine."""
        return self._source.current_principal()
