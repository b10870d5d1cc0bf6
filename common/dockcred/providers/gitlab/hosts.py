"""Which hosts are GitLab's registries, and whose GitLab is each one's.

docs.gitlab.com: registry.gitlab.com is gitlab.com's, whose dependency proxy is at
gitlab.com itself; a tenant of GitLab Dedicated has TENANT.gitlab-dedicated.com. Any
other is known where a variable, config.toml or glab's file names it.
"""

from __future__ import annotations

from dockcred.credential import ServerURL
from dockcred.errors import InvalidInputError, MissingServerURLError
from dockcred.system.environment import gitlab

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.system.environment import Environment

GITLAB = "gitlab.com"
_DEDICATED = "gitlab-dedicated.com"
_REGISTRY = "registry."
HOSTS, INSTANCE = "DOCKCRED_GITLAB_HOSTS", "DOCKCRED_GITLAB_INSTANCE"


def owner(host: str) -> str:
    """Return the GitLab that GitLab itself runs for a host, nothing for others."""
    instance = host.removeprefix(_REGISTRY)
    tenant, _, rest = instance.partition(".")
    if instance == GITLAB or (tenant and rest == _DEDICATED):
        return instance
    return ""


def registry(instance: str) -> str:
    """Return where a GitLab's registry is, as far as its name tells."""
    return _REGISTRY + instance.partition(":")[0]


def read(text: str) -> dict[str, str]:
    """Return the GitLab of each place that DOCKCRED_GITLAB_HOSTS names.

    Raises InvalidInputError for what is no host.
    """
    found: dict[str, str] = {}
    for word in text.replace(",", " ").split():
        at, named, instance = word.rpartition("=")
        instance = place(instance)
        if not instance or (named and not place(at)):
            raise InvalidInputError(
                f"{HOSTS} names {word!a}, which is no GitLab's host",
                "write it as gitlab.example.com, or as "
                "registry.example.com=gitlab.example.com",
            )
        host = instance.partition(":")[0]
        found |= dict.fromkeys((place(at),) if at else (registry(host), host), instance)
    return found


def place(text: str) -> str:
    """Return host and port of a registry or a GitLab; nothing for what is none."""
    try:
        server = ServerURL.parse(text)
    except (InvalidInputError, MissingServerURLError):
        return ""
    return "" if server.path.strip("/") or server.scheme == "http" else server.place


def guess(host: str) -> str:
    """Return the GitLab of a registry of which nothing but its host is known."""
    return owner(host) or host.removeprefix(_REGISTRY)


def of_variables(environment: Environment) -> str:
    """Return the GitLab whose a token in a variable is: what glab would ask.

    In a job it is the job's own; with nothing said it is gitlab.com.
    """
    named = environment.first(*gitlab.PLACES, "CI_SERVER_FQDN")
    if not named:
        return GITLAB
    return place(named.partition("://")[2] if "://" in named else named)
