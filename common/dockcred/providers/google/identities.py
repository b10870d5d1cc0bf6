"""The source that is asked for a Google credential, and how its token becomes one.

The order is that of docker-credential-gcr and Google's libraries: the file that
GOOGLE_APPLICATION_CREDENTIALS names, the well-known file of `gcloud auth
application-default login`, gcloud's active account, the metadata server.
"""

from __future__ import annotations

import os
import time

from dockcred.credential import Credential
from dockcred.errors import (
    DockcredError,
    InvalidInputError,
    IssueError,
    MissingIdentityError,
)
from dockcred.identity.provider import Identity
from dockcred.providers.google import hosts, metadata
from dockcred.providers.google.access_token import IAM_SCOPE, SCOPE, Token
from dockcred.system import log
from dockcred.system.environment import google
from dockcred.system.environment.google import UNIVERSE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from dockcred.system.environment import Environment

    class AccessTokenSource(Protocol):
        """A source of an access token; its attributes are those of an Identity."""

        principal: str
        sources: tuple[str, ...]
        files: tuple[str, ...]
        tokens: tuple[str, ...]

        def token(self, scope: str) -> Token:
            """Fetch a token."""

        def current_principal(self) -> str:
            """Return who the source says it is."""

        def universe(self) -> str:
            """Return the universe that the identity belongs to."""


GCLOUD = "google:gcloud"
JSON_KEY = "_json_key"
USERNAMES = ("oauth2accesstoken", "_token", "_dcgcloud_token", JSON_KEY)


def choose(environment: Environment, universe: str = "") -> Identity:
    """Return the identity; the user name decides between a token and the key itself.

    `universe` is that of the registry, "" where it is not known. Raises
    InvalidInputError for a user name that Google's registries do not know.
    """
    username = environment.get("DOCKCRED_GOOGLE_USERNAME") or USERNAMES[0]
    if username not in USERNAMES and not _is_gcrs(username):
        raise InvalidInputError(
            "DOCKCRED_GOOGLE_USERNAME is no user name that Google's registries know",
            f"choose one of: {', '.join(USERNAMES)}, _dcgcr_VERSION_token",
        )
    if username == JSON_KEY:
        return KeyIdentity(environment, universe)
    account = environment.get("GOOGLE_IMPERSONATE_SERVICE_ACCOUNT")
    return AccessTokenIdentity(environment, username, account, universe)


def _is_gcrs(username: str) -> bool:
    """Return whether docker-credential-gcr of some version uses this user name."""
    version = username.removeprefix("_dcgcr_").removesuffix("_token")
    return username == f"_dcgcr_{version}_token" and version.replace("_", "").isalnum()


def source(environment: Environment) -> AccessTokenSource:
    """Return the first source that is configured; it is not asked yet."""
    road = environment.get("DOCKCRED_ROAD")
    where = hosts.adc_file(environment)
    if road != "direct":
        if environment.get(hosts.ADC_VARIABLE) or (where and os.path.isfile(where)):
            from dockcred.providers.google import logins  # noqa: PLC0415 - this source

            return logins.CredentialsFile(environment, where)
        if hosts.has_gcloud_login(environment):
            from dockcred.providers.google import logins  # noqa: PLC0415 - this source

            if account := logins.find(environment):
                return account
    return _machine(environment)


def is_configured(environment: Environment) -> bool:
    """Return whether there is a file, a login or a Google machine to ask."""
    try:
        chosen = source(environment)
    except DockcredError:
        return False
    return not isinstance(chosen, metadata.Machine) or hosts.is_machine(environment)


def about(principal: str, environment: Environment) -> dict[str, str]:
    """Return account and project, by a credentials file, gcloud or the machine.

    A machine's principal is the account, followed by the scopes of its tokens.
    """
    account, _, scopes = principal.partition(" ")
    found = {"account": account, "scopes": scopes}
    try:
        chosen = source(environment)
    except DockcredError:
        chosen = None
    if chosen is not None and not isinstance(chosen, metadata.Machine):
        from dockcred.providers.google import logins  # noqa: PLC0415 - this source

        found |= logins.about(chosen, environment)
    account = found.get("account", "")
    _, _, domain = account.partition("@")
    if becomes := environment.get("GOOGLE_IMPERSONATE_SERVICE_ACCOUNT"):
        found["impersonates"] = becomes
    found.setdefault("project", "")
    if domain.endswith(_OF_PROJECTS):
        found["project"] = found["project"] or domain.removesuffix(_OF_PROJECTS)
    return {name: value for name, value in found.items() if value}


_OF_PROJECTS = ".iam.gserviceaccount.com"
"""The end of a service account's address, after the project's name."""


def _machine(environment: Environment) -> metadata.Machine:
    metadata.check_mtls(environment)
    sdk = environment.get("DOCKCRED_ROAD") == "sdk"
    return (_SdkMachine if sdk else metadata.Machine)(environment)


class _SdkMachine(metadata.Machine):
    """The metadata server, with google-auth fetching its token."""

    def _token(self) -> Token:
        from dockcred.providers.google import sdk  # noqa: PLC0415 - the SDK road

        return sdk.machine_token(self._environment)


class AccessTokenIdentity(Identity):
    """An identity with an access token as the registry's password."""

    def __init__(
        self,
        environment: Environment,
        username: str,
        impersonate: str = "",
        universe: str = "",
    ) -> None:
        """Choose the source; `impersonate` is the service account to impersonate."""
        self._universe = universe
        self._environment = environment
        self._username = username
        self._impersonate = impersonate
        self._follow(source(environment))
        if not isinstance(self._source, metadata.Machine):
            # A login or file tells its universe without a request, so `doctor` can
            # report it.
            _check_universe(self._source, universe, environment)

    def _follow(self, chosen: AccessTokenSource) -> None:
        self._source = chosen
        self.files = chosen.files
        self.tokens = chosen.tokens
        self.principal = ""
        more = ("google:impersonation",) if self._impersonate else ()
        self.sources = (*chosen.sources, *more)
        # If gcloud was used here, the choice also depends on where gcloud is, and on
        # its answer. Files alone do not tell that.
        used = hosts.has_gcloud_login(self._environment)
        self.looked_for = None if used else ()

    def issue(self) -> Credential:
        """Fetch the token; exchange it where another account is to be impersonated."""
        token = self._token(IAM_SCOPE if self._impersonate else SCOPE)
        self.principal = self._source.principal
        if self._impersonate:
            from dockcred.providers.google import impersonation  # noqa: PLC0415

            universe = self._universe or self._source.universe()
            url = impersonation.url_for(self._impersonate, universe)
            token = impersonation.mint(url, token, self._environment)
        now = time.time()
        if token.expires_at is not None and token.expires_at <= now:
            raise IssueError(
                "Google answered a token that has expired already",
                "set this machine's clock (NTP)",
            )
        return Credential(self._username, token.value, now, token.expires_at)

    def current_principal(self) -> str:
        """Return who the source says it is; "" unless the source is a machine."""
        return self._source.current_principal()

    def _token(self, scope: str) -> Token:
        """Fetch the token; ask the machine instead where gcloud has no account."""
        try:
            _check_universe(self._source, self._universe, self._environment)
            return self._source.token(scope)
        except MissingIdentityError as error:
            if self._source.sources != (GCLOUD,):
                raise
            log.info(f"asking the metadata server: {error}")
            self._follow(_machine(self._environment))
            _check_universe(self._source, self._universe, self._environment)
            return self._source.token(scope)


def _check_universe(
    source: AccessTokenSource, wanted: str, environment: Environment
) -> None:
    """Raise IssueError where identity and registry belong to different universes.

    For a registry in Google's own universe, a machine is not asked unless a variable
    names another universe. Nearly all machines belong to Google's own, and each `get`
    would pay for the request.
    """
    if not wanted:
        return
    is_usual = wanted == UNIVERSE and google.universe(environment) in {"", UNIVERSE}
    if is_usual and isinstance(source, metadata.Machine):
        return
    found = source.universe()
    if found != wanted:
        raise IssueError(
            f"the registry is of the universe {wanted}, and the Google identity at "
            f"hand of {found!a:.80}",
            "use an identity of the registry's universe; GOOGLE_CLOUD_UNIVERSE_DOMAIN "
            "names the one of registries that are not Google's own",
        )


class KeyIdentity(Identity):
    """A service account's key file, used unchanged as the registry's password.

    The secret is the identity itself, so it is not cached: it has no row in
    Google.sources, and no expiry.
    """

    sources = ("google:json-key",)

    def __init__(self, environment: Environment, universe: str = "") -> None:
        """Read the file; raise IssueError where it holds no service account's key."""
        from dockcred.providers.google import logins  # noqa: PLC0415 - this source

        self._path = hosts.adc_file(environment)
        if not self._path or not os.path.exists(self._path):
            raise MissingIdentityError(
                "the user name _json_key needs a service account's key file",
                f"name it in {hosts.ADC_VARIABLE}",
            )
        self.files = (self._path,)
        self._file = logins.CredentialsFile(environment, self._path)
        if self._file.info["type"] != logins.SERVICE_ACCOUNT:
            raise IssueError(
                f"the user name _json_key needs a service account's key, and "
                f"{self._path} is of type {self._file.info['type']}",
                "choose the user name oauth2accesstoken for it",
            )
        _check_universe(self._file, universe, environment)

    def issue(self) -> Credential:
        """Return the file's content, as JSON in one line."""
        import json  # noqa: PLC0415 - a miss only

        return Credential(JSON_KEY, json.dumps(self._file.info), time.time())
