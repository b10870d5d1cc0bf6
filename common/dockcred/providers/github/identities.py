"""The identity that is asked for a GitHub credential.

The order is: a configured GitHub App; the variables of gh, in gh's order; gh's login.
"""

from __future__ import annotations

import time

from dockcred.credential import Credential
from dockcred.errors import (
    IssueError,
    MissingIdentityError,
    UselessIdentityError,
)
from dockcred.identity.provider import Identity
from dockcred.providers.github import gh, hosts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.system.environment import Environment

ANY_USER = "x-access-token"
GH_LOGIN = "gh's login"
_SCOPE = "read:packages"
_APP = "GITHUB_APP_ID"
_INSTALLATION = "GITHUB_APP_INSTALLATION_ID"
_KEY_FILE = "GITHUB_APP_PRIVATE_KEY_FILE"


def choose(github: str, environment: Environment) -> Identity:
    """Return the first identity that is configured.

    Raises MissingIdentityError where none is.
    """
    if any(map(environment.get, (_APP, _INSTALLATION, _KEY_FILE))):
        return AppIdentity(github, environment)
    for name in token_variables(github, environment):
        # A person's `echo` or secret may add white space; no token has any around it.
        if token := environment.get(name).strip():
            user = environment.get("GITHUB_ACTOR").strip()
            return GivenTokenIdentity(name, user, token, github, environment)
    if login := gh.login(github, environment):
        return GivenTokenIdentity(
            GH_LOGIN, login.user, login.token, github, environment
        )
    raise MissingIdentityError(
        f"no GitHub identity was found for {github}: neither GH_TOKEN, GITHUB_TOKEN, "
        "gh's login nor a GitHub App",
        f"run: gh auth login --hostname {github} --scopes {_SCOPE}",
    )


def user(github: str, environment: Environment) -> str:
    """Return the user name of the identity that `choose` returns; "" if there is none.

    Neither GitHub nor gh is asked, even where gh keeps the token.
    """
    if any(map(environment.get, (_APP, _INSTALLATION, _KEY_FILE))):
        return ANY_USER
    for name in token_variables(github, environment):
        if environment.get(name).strip():
            return environment.get("GITHUB_ACTOR").strip() or ANY_USER
    found = gh.settings(github, environment)
    return "" if found is None else found.get("user") or ANY_USER


def about(github: str, environment: Environment) -> dict[str, str]:
    """Return the App and its installation, or the source of a person's token."""
    get = environment.get
    if get(_APP):
        return {"app": get(_APP).strip(), "installation": get(_INSTALLATION).strip()}
    variables = (name for name in token_variables(github, environment) if get(name))
    found = {"token": next(variables, "gh"), "server": github}
    if actor := get("GITHUB_ACTOR").strip():
        found["user"] = actor
    return found


def token_variables(github: str, environment: Environment) -> tuple[str, ...]:
    """Return the variables whose token belongs to this GitHub, in gh's order.

    In a job, GITHUB_TOKEN belongs to the job's own server, and is sent to no other.
    """
    server = hosts.job_server(environment)
    if not hosts.is_dotcom(github):
        own = ("GITHUB_TOKEN",) if server == github else ()
        return ("GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN", *own)
    return ("GH_TOKEN", "GITHUB_TOKEN") if server in {"", github} else ("GH_TOKEN",)


class GivenTokenIdentity(Identity):
    """A token from a variable or gh's login, used unchanged as the password.

    The secret is the identity itself, so it is not cached: it has no row in
    GitHub.sources, and no expiry.
    """

    sources = ("github:token",)

    def __init__(
        self,
        origin: str,
        user: str,
        token: str,
        github: str,
        environment: Environment,
    ) -> None:
        """Keep the token; `origin` names where it was found."""
        self._origin = origin
        self._user = user or ANY_USER
        self._token = token
        self._github = github
        self._api = hosts.api(github, environment)
        self._environment = environment

    def issue(self) -> Credential:
        """Return the token; UselessIdentityError if it cannot read packages.

        After that error a client can still pull public images, without a token.
        """
        if self._token.isascii() and self._token.isprintable():
            said = gh.of(self._token, self._api, self._environment)
        else:
            said = "is no token"
        if said != gh.GOOD:
            # Older versions have cached a longer text, with more after a semicolon.
            cause = said.partition("; ")[0]
            raise UselessIdentityError(f"{self._origin} {cause}", self._remedy(cause))
        return Credential(self._user, self._token, time.time())

    def _remedy(self, cause: str) -> str:
        """Return the command or setting that gives a token which can read packages."""
        if self._origin == GH_LOGIN:
            verb = "refresh" if cause == gh.NARROW else "login"
            return f"run: gh auth {verb} --hostname {self._github} --scopes {_SCOPE}"
        if hosts.job_server(self._environment) and self._origin == "GITHUB_TOKEN":
            return "set it to the running job's secrets.GITHUB_TOKEN"
        # gh refuses to change a login while a variable holds a token.
        page = f"https://{self._github}/settings/tokens/new?scopes={_SCOPE}"
        return f"set {self._origin} to a classic token with the scope {_SCOPE}: {page}"


class AppIdentity(Identity):
    """A GitHub App's installation; its tokens are valid for an hour each."""

    sources = ("github:app",)

    def __init__(self, github: str, environment: Environment) -> None:
        """Read the App's three variables; IssueError names the one that is not set."""
        self._app = environment.get(_APP).strip()
        self._installation = environment.get(_INSTALLATION).strip()
        for name in (_APP, _INSTALLATION, _KEY_FILE):
            if not environment.get(name).strip():
                raise IssueError(
                    f"the GitHub App is configured by half: {name} is not set",
                    f"set {_APP}, {_INSTALLATION} and {_KEY_FILE}",
                )
        if not self._installation.isdecimal():
            raise IssueError(f"{_INSTALLATION} is not a number", "see the App's URL")
        self._api = hosts.api(github, environment)
        self._environment = environment
        self.files = (environment.get(_KEY_FILE).strip(),)

    def issue(self) -> Credential:
        """Sign an assertion, and exchange it for the installation's token."""
        from dockcred.providers.github import api  # noqa: PLC0415 - a miss only

        assertion = api.assertion(self._app, *self.files)
        return api.installation_token(
            assertion, self._installation, self._api, self._environment
        )
