"""The registry as a client speaks to it: a challenge, a token, a manifest."""

from __future__ import annotations

import binascii
import json
import os
from urllib.parse import urlencode

from dockcred.doctor.challenge import Challenge
from dockcred.doctor.realm import check as check_realm
from dockcred.errors import TransportError
from dockcred.lookup import auths
from dockcred.transport import http, trust
from dockcred.transport.response import Response
from dockcred.transport.target import is_loopback

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.credential import Credential
    from dockcred.doctor.case import Case
    from dockcred.environment import Environment

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


class Registry:
    """One registry and one credential; None asks as nobody."""

    def __init__(self, case: Case, credential: Credential | None) -> None:
        """Note where and who; nothing is asked yet."""
        self._authority = authority = case.reference.registry
        scheme = "http" if is_loopback(case.reference.server.host) else "https"
        self._base = f"{scheme}://{authority}"
        self._environment = _trusting(case)
        self._credential = credential
        self._token = ""
        self.challenge = Challenge("")

    def greet(self) -> int:
        """Ask /v2/ as nobody, and keep the challenge; answer the status."""
        answer = self._get(f"{self._base}/v2/", {})
        self.challenge = Challenge(answer.headers.get("www-authenticate", ""))
        return answer.status

    def log_in(self, repository: str) -> int:
        """Show the credential where the challenge says; answer the status."""
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
        if self._credential and self._credential.username == auths.TOKEN:
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
            )
        else:
            separator = "&" if "?" in realm else "?"
            url = f"{realm}{separator}{urlencode(asked)}"
            answer = self._get(url, self._basic())
        if answer.status == OK:
            self._token = _token_in(answer.body)
        return answer.status

    def manifest(self, repository: str) -> tuple[int, str]:
        """Ask for the manifest of `latest`; answer the status and the error's code."""
        url = f"{self._base}/v2/{repository}/manifests/latest"
        answer = self._get(url, {"accept": _MANIFESTS} | self._authorization())
        return answer.status, _code_in(answer.body)

    def _get(self, url: str, headers: dict[str, str]) -> Response:
        return http.request(
            "GET", url, self._environment, headers=headers, timeout_s=_TIMEOUT_S
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
    """Believe whom the clients believe: the registry's own root, else the bundle."""
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
    """Answer the code of the first error, such as NAME_UNKNOWN; nothing without one."""
    try:
        code = json.loads(body)["errors"][0]["code"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""
    return code if isinstance(code, str) and code.replace("_", "").isalnum() else ""
