"""Which hosts are GitHub's registries, with the API and the login for each.

Source: docs.github.com/packages. ghcr.io and docker.pkg.github.com belong to
github.com. An Enterprise server HOST has containers.HOST and docker.HOST.
"""

from __future__ import annotations

from dockcred.errors import InvalidInputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.system.environment import Environment

GITHUB = "github.com"
_OURS = frozenset({"ghcr.io", "docker.pkg.github.com"})
_KINDS = frozenset({"containers", "docker"})
_DATA_RESIDENCY = ".ghe.com"


def owner(host: str, enterprise: tuple[str, ...] = ()) -> str:
    """Return the GitHub that a canonical registry host belongs to; "" for others."""
    if host in _OURS:
        return GITHUB
    kind, _, rest = host.partition(".")
    return rest if kind in _KINDS and rest in enterprise else ""


def read(text: str) -> tuple[str, ...]:
    """Parse the Enterprise servers in a variable; InvalidInputError for a wrong one."""
    servers = tuple(text.lower().replace(",", " ").split())
    for server in servers:
        labels = server.split(".")
        if len(labels) < 2 or not all(map(_is_label, labels)):  # noqa: PLR2004 - no TLD
            raise InvalidInputError(
                f"DOCKCRED_GITHUB_HOSTS names {server!a}, which is no server's name",
                "write it as in ghe.example.com",
            )
    return servers


def _is_label(text: str) -> bool:
    return text.isascii() and text.replace("-", "").isalnum()


def is_dotcom(github: str) -> bool:
    """Return whether this is github.com, or GitHub's own hosting under ghe.com."""
    return github == GITHUB or github.endswith(_DATA_RESIDENCY)


def job_server(environment: Environment) -> str:
    """Return the GitHub that runs this Actions job; "" outside of a job."""
    url = environment.get("GITHUB_SERVER_URL")
    return url.partition("://")[2].rstrip("/").lower()


def api(github: str, environment: Environment) -> str:
    """Return the URL of a GitHub's API; in a job, the job's variable names it."""
    named = environment.get("GITHUB_API_URL")
    if named and (job_server(environment) or GITHUB) == github:
        return named.rstrip("/")
    if is_dotcom(github):
        return f"https://api.{github}"
    return f"https://{github}/api/v3"


def gh_file(environment: Environment) -> str:
    """Return the path of gh's hosts.yml; "" where there is no home directory."""
    if named := environment.get("GH_CONFIG_DIR"):
        return f"{named}/hosts.yml"
    if base := environment.get("XDG_CONFIG_HOME"):
        return f"{base}/gh/hosts.yml"
    home = environment.home()
    return f"{home}/.config/gh/hosts.yml" if home else ""
