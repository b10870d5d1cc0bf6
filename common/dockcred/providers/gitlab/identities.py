"""The identity that is asked for a GitLab credential.

The order is: GitLab's own variables of a job, for the registry that they name; glab's
login; the variables of glab.
"""

from __future__ import annotations

import time
from binascii import b2a_base64

from dockcred.credential import Credential
from dockcred.errors import MissingIdentityError, TransportError, UselessIdentityError
from dockcred.identity import tool_login
from dockcred.identity.provider import Identity
from dockcred.identity.tool_login import BAD_S, GOOD_S, UNKNOWN_S
from dockcred.providers.gitlab import glab, hosts
from dockcred.system.environment import gitlab

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockcred.credential import ServerURL
    from dockcred.providers.gitlab.glab import GlabFile
    from dockcred.system.environment import Environment
    from dockcred.transport.response import Response

GLAB_LOGIN = "glab's login"
_OF_JOB = (
    # The job's registry password comes first: a deploy token may be allowed less.
    ("CI_REGISTRY", "CI_REGISTRY_USER", "CI_REGISTRY_PASSWORD"),
    ("CI_REGISTRY", "", "CI_JOB_TOKEN"),
    ("CI_REGISTRY", "CI_DEPLOY_USER", "CI_DEPLOY_PASSWORD"),
    (
        "CI_DEPENDENCY_PROXY_SERVER",
        "CI_DEPENDENCY_PROXY_USER",
        "CI_DEPENDENCY_PROXY_PASSWORD",
    ),
)
"""The variables of a host, its user and its password. CI_JOB_TOKEN has a fixed user."""

_DEPLOY_TOKEN = "gldt-"  # noqa: S105 - how one begins
_GOOD = "good"
_OK, _UNAUTHORIZED, _FORBIDDEN = 200, 401, 403
_CHECK_S = 3.0


class JobToken(Identity):
    """A password that GitLab gave to a job, used unchanged and never kept."""

    sources = ("gitlab:job",)

    def __init__(self, user: str, password: str, variable: str) -> None:
        """Set the fields; `variable` is the name of the password's variable."""
        self.user = user
        self.variable = variable
        self._password = password

    def issue(self) -> Credential:
        """Return the user and the password."""
        return Credential(self.user, self._password, time.time())


def of_job(server: ServerURL, environment: Environment) -> JobToken | None:
    """Return what a job's variables hold for a server; None where they hold nothing."""
    for named, whose, secret in _OF_JOB:
        text = environment.get(named)
        if not text or hosts.place(text) != server.place:
            continue
        user = environment.get(whose) if whose else glab.JOB_USER
        password = environment.get(secret)
        if user and password:
            return JobToken(user, password, secret)
    return None


def job_places(environment: Environment) -> Iterator[str]:
    """Return the registries that a job's variables name, for `list`."""
    named = dict.fromkeys(place for place, _, _ in _OF_JOB)
    yield from filter(None, map(hosts.place, filter(None, map(environment.get, named))))


def choose(server: ServerURL, instance: str, environment: Environment) -> Identity:
    """Return the first identity there is; MissingIdentityError where there is none."""
    if found := of_job(server, environment):
        return found
    found_login = _login(server, instance, environment)
    if found_login is not None:
        logins, settings = found_login
        return GlabIdentity(server, instance, logins.path, settings, environment)
    if variable := token_variable(instance, environment):
        user = environment.get("GLAB_USER").strip()
        token = environment.get(variable).strip()
        return LoginTokenIdentity(variable, user, token, instance, environment)
    raise MissingIdentityError(
        f"no GitLab identity was found for {instance}: neither glab's login, "
        "GITLAB_TOKEN nor a job's token",
        f"run: glab auth login --hostname {instance}",
    )


def _login(
    server: ServerURL, instance: str, environment: Environment
) -> tuple[GlabFile, dict[str, str]] | None:
    """Return glab's file, and its login at a GitLab; None where it has none."""
    logins = glab.logins(environment)
    if logins is None:
        return None
    if logins.has_login(instance):
        return logins, logins.of(instance) or {}
    return (logins, {}) if logins.names(server.host) else None


def token_variable(instance: str, environment: Environment) -> str:
    """Return the variable with this GitLab's token, in glab's order; "" if none is set.

    OAUTH_TOKEN may belong to another service. It counts only where a variable names the
    GitLab.
    """
    if hosts.of_variables(environment) != instance:
        return ""
    names = gitlab.TOKENS if environment.first(*gitlab.PLACES) else gitlab.TOKENS[:2]
    return next((name for name in names if environment.get(name).strip()), "")


def about(server: ServerURL, instance: str, environment: Environment) -> dict[str, str]:
    """Return the token's user and where it was found, as far as `choose` can tell."""
    if job := of_job(server, environment):
        return {"token": job.variable, "server": instance, "user": job.user}
    if found := _login(server, instance, environment):
        user = found[1].get("user") or glab.ANY_USER
        return {"token": "glab", "server": instance, "user": user}
    if variable := token_variable(instance, environment):
        user = environment.get("GLAB_USER").strip() or glab.ANY_USER
        return {"token": variable, "server": instance, "user": user}
    return {}


class LoginTokenIdentity(Identity):
    """A token that somebody put in a variable, used unchanged as the password.

    The secret is the identity itself, so it is not cached: it has no row in
    GitLabRegistries.sources, and no expiry.
    """

    sources = ("gitlab:token",)

    def __init__(
        self,
        origin: str,
        user: str,
        token: str,
        instance: str,
        environment: Environment,
    ) -> None:
        """Keep the token; `origin` names where it was found."""
        self._origin = origin
        self._user = user
        self._token = token
        self._instance = instance
        self._environment = environment

    def issue(self) -> Credential:
        """Return the token; UselessIdentityError if it opens no registry."""
        user = self._user or glab.ANY_USER
        if self._token.startswith(_DEPLOY_TOKEN) and not self._user:
            raise UselessIdentityError(
                f"{self._origin} is a deploy token, which its own user alone may show",
                "set GLAB_USER to its user, such as gitlab+deploy-token-1",
            )
        found = Credential(user, self._token, time.time())
        return _checked(found, self._origin, self._instance, self._environment)


class GlabIdentity(Identity):
    """The login of glab; a token with an expiry is cached until then."""

    sources = ("gitlab:glab",)

    def __init__(
        self,
        server: ServerURL,
        instance: str,
        path: str,
        found: dict[str, str],
        environment: Environment,
    ) -> None:
        """Set what glab's file says of a GitLab."""
        self._place = server.place
        self._instance = instance
        self._found = found
        self._environment = environment
        self.files = (path,)

    def issue(self) -> Credential:
        """Return glab's token; glab renews it where it has expired."""
        found = glab.credential(
            self._instance, self._place, self._found, self._environment
        )
        if not self._found:
            # Only glab knows which GitLab the token is for. So it is sent to none for a
            # check.
            return found
        return _checked(found, GLAB_LOGIN, self._instance, self._environment)


def _checked(
    found: Credential, origin: str, instance: str, environment: Environment
) -> Credential:
    """Return a credential that opens registries; raise UselessIdentityError for others.

    A registry refuses even public images to a token that opens nothing.
    """
    if not (found.secret.isascii() and found.secret.isprintable()):
        said = "is no token"
    else:
        said = tool_login.remembered(
            "gitlab",
            f"{found.username}:{found.secret}",
            instance,
            environment,
            lambda: _ask(found, instance, environment),
        )
    if said == _GOOD:
        return found
    remedy = f"run: glab auth login --hostname {instance}"
    if origin != GLAB_LOGIN:
        page = f"https://{instance}/-/user_settings/personal_access_tokens"
        remedy = f"set {origin} to a token with the scope read_registry: {page}"
    raise UselessIdentityError(f"{origin} {said}", remedy)


def _ask(
    found: Credential, instance: str, environment: Environment
) -> tuple[str, float]:
    """Return _GOOD or what is wrong with the token, and how many seconds to keep that.

    The request is the one that docker sends at a login: for a token for no repository.
    """
    from dockcred.system import log  # noqa: PLC0415 - once an hour
    from dockcred.transport.http import NEVER, request  # noqa: PLC0415

    basic = b2a_base64(f"{found.username}:{found.secret}".encode(), newline=False)
    try:
        answer = request(
            "GET",
            f"https://{instance}/jwt/auth?service=container_registry",
            environment,
            headers={"authorization": f"Basic {basic.decode()}"},
            timeout_s=_CHECK_S,
            # No retry: it is only a check, and a person waits for the password.
            repeated=NEVER,
        )
    except TransportError as error:
        log.info(f"whether the token opens registries is not known: {error}")
        return _GOOD, UNKNOWN_S
    if answer.status == _OK:
        return _GOOD, GOOD_S
    if answer.status == _UNAUTHORIZED and _is_gitlabs(answer):
        return "is invalid, expired or revoked", BAD_S
    if answer.status == _FORBIDDEN and _is_gitlabs(answer):
        return "lacks the scope read_registry", BAD_S
    log.info(f"whether the token opens registries is not known: {answer.status}")
    return _GOOD, UNKNOWN_S


def _is_gitlabs(answer: Response) -> bool:
    """Return whether GitLab itself refuses, in its own format, and not a proxy."""
    try:
        return bool(answer.json()["errors"][0]["code"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return False
