"""Platforms whose exchange takes JSON: JFrog and Cloudsmith."""

from __future__ import annotations

import json

from dockcred.errors import InvalidInputError, IssueError
from dockcred.providers.oidc import exchanges, id_token
from dockcred.system.version import __version__
from dockcred.transport.http import is_temporary_for_one, request, with_retries
from dockcred.transport.json_reader import claims_of
from dockcred.transport.target import Target, is_loopback

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from dockcred.credential import Credential, ServerURL
    from dockcred.providers.oidc.id_token import IDToken
    from dockcred.system.environment import Environment
    from dockcred.transport.response import Response

URL = "DOCKCRED_OIDC_EXCHANGE_URL"


def _post(url: str, fields: Mapping[str, str], environment: Environment) -> Response:
    """Post the fields that are not empty, as JSON."""
    body = json.dumps({name: value for name, value in fields.items() if value})
    return with_retries(
        lambda: request(
            "POST",
            url,
            environment,
            headers={
                "content-type": "application/json",
                "accept": "application/json",
                "user-agent": f"dockcred/{__version__}",
            },
            body=body.encode(),
        ),
        is_temporary_for_one,
    )


def _base(environment: Environment, default: str) -> str:
    """Return a platform's URL, without a slash at the end.

    Raises InvalidInputError where a secret may not be sent there.
    """
    base = (environment.get(URL) or default).rstrip("/")
    if not base.isascii() or not base.isprintable() or set(base) & set(" ?#"):
        raise InvalidInputError(
            f"{URL} is no platform's URL",
            "fix it, or exchange_url at the registry in config.toml",
        )
    Target(base)
    return base


_OPTIONAL = {
    "audience": "DOCKCRED_OIDC_EXCHANGE_AUDIENCE",
    "identity_mapping_name": "DOCKCRED_OIDC_EXCHANGE_MAPPING",
    "project_key": "DOCKCRED_OIDC_EXCHANGE_PROJECT",
    "application_key": "DOCKCRED_OIDC_EXCHANGE_APPLICATION",
}


class JFrog:
    """An OIDC integration of a JFrog platform, in JFrog's cloud or self-hosted."""

    sources: tuple[str, ...] = ()

    def __init__(self, server: ServerURL, environment: Environment) -> None:
        """Read the integration's name, and the platform's URL."""
        scheme = "http" if is_loopback(server.host) else "https"
        port = f":{server.port}" if server.port else ""
        base = _base(environment, f"{scheme}://{server.host}{port}")
        self._url = f"{base}/access/api/v1/oidc/token"
        self._provider = exchanges.named_as(environment, "the OIDC integration's name")
        self.username = exchanges.username(environment, "")
        self.role = f"the integration {self._provider}"
        self._environment = environment

    def credential(self, token: IDToken) -> Credential:
        """Exchange the token for an access token.

        If no user name is configured, the answer or the access token tells it.
        """
        fields = {
            "grant_type": exchanges.GRANT,
            "subject_token_type": exchanges.ID_TOKEN,
            "subject_token": token.value,
            "provider_name": self._provider,
        }
        for name, variable in _OPTIONAL.items():
            fields[name] = self._environment.get(variable)
        answer = _post(self._url, fields, self._environment)
        remedy = "see the integration's issuer, audience and identity mappings"
        found = id_token.credential(
            answer, self._url, self.username, "access_token", remedy
        )
        found.username = found.username or _user(answer, found.secret)
        return found


def _user(answer: Response, token: str) -> str:
    """Return the user in JFrog's answer or access token; IssueError without one."""
    named = answer.json().get("username")
    user = named if isinstance(named, str) and named else subject_of(token)
    if not user or not user.isprintable() or ":" in user:
        raise IssueError(
            "JFrog's access token names no user that docker can log in as",
            "set token_username at the registry in config.toml, or have the identity "
            "mapping's token be a user's",
        )
    return user


def subject_of(token: str) -> str:
    """Return the user in the subject of a JFrog access token; "" if it names none.

    The subject of a user's token is SERVICE/users/NAME; that of a group's is any name.
    """
    subject = claims_of(token.encode()).get("sub")
    if not isinstance(subject, str):
        return ""
    if subject.startswith("jfrt@") or "/users/" in subject:
        return subject.rpartition("/")[2] if "/" in subject else ""
    return subject


CLOUDSMITH_API = "https://api.cloudsmith.io"
_CLOUDSMITHS = (".cloudsmith.io", ".cloudsmith.com")
_IN_A_SLUG = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
)


class Cloudsmith:
    """A service account of an organisation at Cloudsmith."""

    sources: tuple[str, ...] = ()
    username = "token"

    def __init__(self, server: ServerURL, environment: Environment) -> None:
        """Read the service's name; the registry may have a custom domain."""
        del server
        base = _base(environment, CLOUDSMITH_API)
        host = Target(base).host
        if not host.endswith(_CLOUDSMITHS):
            raise InvalidInputError(
                f"{URL} names {host}, which is no host of Cloudsmith's",
                "name its API as in https://api.cloudsmith.io",
            )
        named = exchanges.named_as(environment, "ORGANISATION/SERVICE at Cloudsmith")
        organisation, _, self._service = named.partition("/")
        for slug in (organisation, self._service):
            if not slug or not _IN_A_SLUG.issuperset(slug):
                raise InvalidInputError(
                    f"{exchanges.AS} names {named!a:.80}, which is no service's",
                    "write it as ORGANISATION/SERVICE, both by their slugs",
                )
        self._url = f"{base}/openid/{organisation}/"
        self.role = f"the service {named}"
        self._environment = environment

    def credential(self, token: IDToken) -> Credential:
        """Exchange the token for one of the service account."""
        fields = {"oidc_token": token.value, "service_slug": self._service}
        return id_token.credential(
            _post(self._url, fields, self._environment),
            self._url,
            self.username,
            "token",
            "see the provider's issuer, required claims and service accounts in the "
            "organisation's OpenID Connect settings",
        )
