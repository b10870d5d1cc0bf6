"""Which hosts are GitLab's registries, and the GitLab that each belongs to.

Source: docs.gitlab.com. registry.gitlab.com belongs to gitlab.com, with its dependency
proxy at gitlab.com itself. A tenant of GitLab Dedicated has
TENANT.gitlab-dedicated.com. Other hosts are known if a variable, config.toml or glab's
file names them.
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
    """Return the GitLab of a host that GitLab itself runs; "" for other hosts."""
    instance = host.removeprefix(_REGISTRY)
    tenant, _, rest = instance.partition(".")
    if instance == GITLAB or (tenant and rest == _DEDICATED):
        return instance
    return ""


def registry(instance: str) -> str:
    """Return the usual host of a GitLab's registry."""
    return _REGISTRY + instance.partition(":")[0]


def read(text: str) -> dict[str, str]:
    """Return the GitLab of each place in DOCKCRED_GITLAB_HOSTS.

    Raises InvalidInputError for a word that is not a host.
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
    """Return the place of a registry or a GitLab: its host, and its port if it has one.

    It is "" for a text that is not a place.
    """
    try:
        server = ServerURL.parse(text)
    except (InvalidInputError, MissingServerURLError):
        return ""
    return "" if server.path.strip("/") or server.scheme == "http" else server.place


def guess(host: str) -> str:
    """Return the GitLab of a registry, guessed from the registry's host."""
    return owner(host) or host.removeprefix(_REGISTRY)


def of_variables(environment: Environment) -> str:
    """Return the GitLab that a token in a variable belongs to, as glab decides it.

    In a job it is the job's own GitLab. If nothing is set, it is gitlab.com.
    """
    named = environment.first(*gitlab.PLACES, "CI_SERVER_FQDN")
    if not named:
        return GITLAB
    return place(named.partition("://")[2] if "://" in named else named)
