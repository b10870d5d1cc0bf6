"""Where a job's token comes from: what is configured, else the CI system one is in."""

from __future__ import annotations

from dockcred.errors import InvalidInputError, MissingIdentityError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.environment import Environment
    from dockcred.providers.oidc.source import Source

CHOICE = "DOCKCRED_OIDC_SOURCE"

# By name: the module and class, and the variable that tells of it.
_SOURCES = {
    "file": ("held", "File", "DOCKCRED_OIDC_TOKEN_FILE"),
    "command": ("programs", "Command", "DOCKCRED_OIDC_TOKEN_COMMAND"),
    # GitLab's tokens too are in a variable; a GitLab job is known by its number.
    "gitlab": ("held", "GitLab", "GITLAB_CI"),
    "variable": ("held", "Variable", "DOCKCRED_OIDC_TOKEN_VARIABLE"),
    "github-actions": ("github_actions", "GitHubActions", "GITHUB_ACTIONS"),
    "circleci": ("programs", "CircleCI", "CIRCLECI"),
    "buildkite": ("programs", "Buildkite", "BUILDKITE"),
    "azure-pipelines": ("azure_pipelines", "AzurePipelines", "SYSTEM_OIDCREQUESTURI"),
    # Never without being named: every machine of Google's has one.
    "google": ("machine", "Google", ""),
}


def choose(environment: Environment) -> Source:
    """Choose the source; it is not asked yet.

    Raises MissingIdentityError where no job's identity is in sight.
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
            found: Source = getattr(where, kind)(environment)
            return found
    raise MissingIdentityError(
        "no job's identity was found: neither GitHub Actions, GitLab, CircleCI, "
        "Buildkite nor Azure Pipelines, and no token file, variable or command is "
        "configured",
        "set DOCKCRED_OIDC_TOKEN_FILE, or run this in the job that has the identity",
    )
