"""Whether the registry takes the credential."""

from __future__ import annotations

import binascii
import json
import os
import re
from urllib.parse import urlencode

from dockcred.clients import entries
from dockcred.clients.findings import error, fine, note
from dockcred.commands.doctor.realm import check as check_realm
from dockcred.errors import DockcredError, TransportError
from dockcred.transport import http, trust
from dockcred.transport.response import Response
from dockcred.transport.target import is_loopback

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockcred.clients.findings import Finding
    from dockcred.commands.doctor.case import Case
    from dockcred.credential import Credential
    from dockcred.system.environment import Environment

_PARAMETER = re.compile(r'([a-z_]+)="([^"]*)"|([a-z_]+)=([^\s,"]+)', re.IGNORECASE)


class Challenge:
    """The scheme that a registry asks for, in lower case, and its parameters."""

    __slots__ = ("parameters", "scheme")

    def __init__(self, header: str) -> None:
        """Read the first challenge of a header."""
        scheme, _, rest = header.strip().partition(" ")
        self.scheme = scheme.lower()
        self.parameters = {
            (name or bare).lower(): value or word
            for name, value, bare, word in _PARAMETER.findall(rest)
        }


OK = 200
UNAUTHORIZED = 401
FORBIDDEN = 403
NOT_FOUND = 404
_MANIFESTS = (
    "application/vnd.oci.image.index.v1+json, "
    "application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.docker.distribution.manifest.v2+json"
)
_TIMEOUT_S = 5.0


class RegistryProbe:
    """Requests to one registry with one credential; without one they are anonymous."""

    def __init__(self, case: Case, credential: Credential | None) -> None:
        """Keep the registry and the credential; no request is sent yet."""
        self._authority = authority = case.reference.registry
        scheme = "http" if is_loopback(case.reference.server.host) else "https"
        self._base = f"{scheme}://{authority}"
        self._environment = _trusting(case)
        self._credential = credential
        self._token = ""
        self.challenge = Challenge("")

    def greet(self) -> int:
        """Send GET /v2/ without a login, and keep the challenge; return the status."""
        answer = self._get(f"{self._base}/v2/", {})
        self.challenge = Challenge(answer.headers.get("www-authenticate", ""))
        return answer.status

    def log_in(self, repository: str) -> int:
        """Send the credential to where the challenge says; return the status."""
        if self.challenge.scheme != "bearer":
            return self._get(f"{self._base}/v2/", self._authorization()).status
        named = self.challenge.parameters
        fields = {
            "service": named.get("service", ""),
            "scope": f"repository:{repository}:pull" if repository else "",
        }
        asked = {name: value for name, value in fields.items() if value}
        realm = named.get("realm", "")
        check_realm(realm, self._authority, self._environment)
        if self._credential and self._credential.username == entries.TOKEN:
            form = {
                "grant_type": "refresh_token",
                "refresh_token": self._credential.secret,
                "client_id": "dockcred",
            }
            answer = http.request(
                "POST",
                realm,
                self._environment,
                headers={"content-type": "application/x-www-form-urlencoded"},
                body=urlencode(form | asked).encode(),
                timeout_s=_TIMEOUT_S,
                repeated=http.NEVER,
            )
        else:
            separator = "&" if "?" in realm else "?"
            url = f"{realm}{separator}{urlencode(asked)}"
            answer = self._get(url, self._basic())
        if answer.status == OK:
            self._token = _token_in(answer.body)
        return answer.status

    def manifest(self, repository: str) -> tuple[int, str]:
        """Read the manifest of `latest`; return the status and the error's code."""
        url = f"{self._base}/v2/{repository}/manifests/latest"
        answer = self._get(url, {"accept": _MANIFESTS} | self._authorization())
        return answer.status, _code_in(answer.body)

    def _get(self, url: str, headers: dict[str, str]) -> Response:
        return http.request(
            "GET",
            url,
            self._environment,
            headers=headers,
            timeout_s=_TIMEOUT_S,
            repeated=http.NEVER,
        )

    def _authorization(self) -> dict[str, str]:
        if self._token:
            return {"authorization": f"Bearer {self._token}"}
        return self._basic()

    def _basic(self) -> dict[str, str]:
        if self._credential is None:
            return {}
        pair = f"{self._credential.username}:{self._credential.secret}".encode()
        coded = binascii.b2a_base64(pair, newline=False).decode()
        return {"authorization": f"Basic {coded}"}


def _trusting(case: Case) -> Environment:
    """Return variables that trust the registry's own CA file, else the bundle."""
    own = f"/etc/docker/certs.d/{case.reference.registry}/ca.crt"
    roots = own if os.path.isfile(own) else trust.bundle(case.environment, ())
    return case.environment.with_values({"SSL_CERT_FILE": roots} if roots else {})


def _token_in(body: bytes) -> str:
    try:
        found = json.loads(body)
        token = found.get("token") or found.get("access_token")
    except (ValueError, AttributeError, RecursionError):
        token = None
    if not isinstance(token, str) or not token.isprintable():
        raise TransportError(
            "the registry's token service did not answer with a token",
            "see what listens at its realm",
        )
    return token


def _code_in(body: bytes) -> str:
    """Return the code of the first error, such as NAME_UNKNOWN; nothing without one."""
    try:
        code = json.loads(body)["errors"][0]["code"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""
    return code if isinstance(code, str) and code.replace("_", "").isalnum() else ""


STEP = "registry"


def check(
    case: Case,
    credential: Credential | None,
    renew: str = "",
    why: DockcredError | None = None,
) -> Iterator[Finding]:
    """Try the credential for a pull; `renew` is the command that makes another.

    `why` is the error for which there is no credential, if it is known.
    """
    reference = case.reference
    if not reference.repository:
        name = reference.name
        yield note(STEP, f"not asked: dockcred doctor {name}/REPOSITORY asks it")
        return
    registry = RegistryProbe(case, credential)
    try:
        for found in _try(registry, case, credential, renew):
            yield _explained(found, why) if credential is None else found
    except DockcredError as problem:
        yield error(STEP, problem.cause, problem.remedy)


def _try(
    registry: RegistryProbe, case: Case, credential: Credential | None, renew: str
) -> Iterator[Finding]:
    name, repository = case.reference.name, case.reference.repository
    host = case.reference.registry
    who = f"the credential of {credential.username}" if credential else "nobody"
    greeted = registry.greet()
    if greeted not in {OK, UNAUTHORIZED}:
        yield error(STEP, f"{host} does not answer as a registry (status {greeted})")
        return
    if greeted == UNAUTHORIZED and (
        credential or registry.challenge.scheme == "bearer"
    ):
        status = registry.log_in(repository)
        if status == UNAUTHORIZED:
            yield _refused(case, credential, renew)
            return
        if status == FORBIDDEN:
            yield _forbidden(case, who)
            return
        if status != OK:
            yield error(STEP, f"{host} answered {who} with status {status}")
            return
    status, code = registry.manifest(repository)
    if status == OK or (status == NOT_FOUND and code == "MANIFEST_UNKNOWN"):
        yield fine(STEP, f"{host} lets {who} read {repository}")
    elif status == NOT_FOUND:
        yield error(
            STEP,
            f"{host} takes {who}, but has no repository {repository} that it may see",
            "see the repository's name, and its region in the host",
        )
    elif status in {UNAUTHORIZED, FORBIDDEN} and credential:
        yield _forbidden(case, who)
    elif status in {UNAUTHORIZED, FORBIDDEN}:
        yield error(STEP, f"{name} is not for everybody, and nobody's name was shown")
    else:
        yield error(STEP, f"{host} answered {status} for {repository}")


def _explained(found: Finding, why: DockcredError | None) -> Finding:
    """Add to a problem of an anonymous request why there is no credential."""
    if why is None or not found.is_problem or found.remedy:
        return found
    return error(found.step, f"{found.text}: {why.cause}", why.remedy)


def _refused(case: Case, credential: Credential | None, renew: str) -> Finding:
    host = case.reference.registry
    if credential is None:
        return error(STEP, f"{host} gives no token to nobody")
    return error(
        STEP,
        f"wrong account: {host} refuses the credential of {credential.username}"
        " (401): it is another registry's, altered or ended",
        "see the identity above, and the account in the registry's name",
        renew,
    )


def _forbidden(case: Case, who: str) -> Finding:
    repository = case.reference.repository
    return error(
        STEP,
        f"missing permission: {case.reference.registry} knows {who}, but does not"
        f" let it read {repository}",
        "allow the identity above to pull this repository",
    )
