"""Keys by a pod's token, from the metadata service of ECS, and from a URI.

Source: alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata. The metadata
service is never asked through a proxy.
"""

from __future__ import annotations

import time

from dockcred.errors import IssueError, MissingIdentityError
from dockcred.providers.alibaba import api
from dockcred.providers.alibaba.api import AlibabaKeys
from dockcred.system import cloud
from dockcred.transport.http import (
    ask_if_there,
    is_temporary,
    probe,
    request,
    with_retries,
)
from dockcred.transport.target import Target, is_segment, urlencode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.system.environment import Environment
    from dockcred.transport.response import Response

TIMEOUT_S = 1.0
_TOKEN_TTL_S = 60
_OK, _NOT_FOUND = 200, 404
_ROLES = "/latest/meta-data/ram/security-credentials/"
_URI = "ALIBABA_CLOUD_CREDENTIALS_URI"
_KEYS = ("AccessKeyId", "AccessKeySecret", "SecurityToken")
_SILENT = "no Alibaba Cloud identity was found in variables and profiles, and "
_CONFIGURE = "run: aliyun configure; or attach a RAM role to the instance"


class EcsRole:
    """The RAM role of an ECS instance; a request times out after one second."""

    def __init__(self, environment: Environment, role: str = "") -> None:
        """Determine the service's address; `role` is the role's name, if known."""
        self._environment = environment
        self._role = role or environment.get("ALIBABA_CLOUD_ECS_METADATA")
        named = environment.get("DOCKCRED_ALIBABA_METADATA")
        self._is_named = bool(named)
        self._base = (named or f"http://{cloud.address_of(cloud.ALIBABA)}").rstrip("/")
        self._needs_token = _is_true(environment, "ALIBABA_CLOUD_IMDSV1_DISABLED")
        self._token = ""

    def keys(self) -> AlibabaKeys:
        """Return the role's temporary keys; MissingIdentityError where there is none.

        A session token is asked for first. If the service gives none, requests go
        without it, unless a variable demands it. Alibaba's library does the same.
        """
        if _is_true(self._environment, "ALIBABA_CLOUD_ECS_METADATA_DISABLED"):
            raise MissingIdentityError(
                f"{_SILENT}ALIBABA_CLOUD_ECS_METADATA_DISABLED is set",
                "run: aliyun configure",
            )
        self._token = self._session_token()
        role = self._role or self._role_name()
        answer = self._get(_ROLES + role)
        if answer.status == _NOT_FOUND:
            raise MissingIdentityError(
                f"this ECS instance has no RAM role {role:.64}",
                "see ALIBABA_CLOUD_ECS_METADATA, or the profile's ram_role_name",
            )
        return _keys(answer, self._base, role)

    def _role_name(self) -> str:
        answer = self._get(_ROLES)
        role = answer.body.decode("ascii", "replace").strip()
        if answer.status == _NOT_FOUND or (answer.status == _OK and not role):
            raise MissingIdentityError(
                "this ECS instance has no RAM role",
                "attach one to the instance, or run: aliyun configure",
            )
        if answer.status != _OK or not is_segment(role):
            raise _unusable(self._base, answer.status)
        return role

    def _session_token(self) -> str:
        whose = "" if self._is_named else cloud.ALIBABA
        answer = ask_if_there(whose, self._environment, self._put, _missing)
        if is_temporary(answer):
            raise _unusable(self._base, answer.status)
        token = answer.body.decode("ascii", "replace").strip()
        if answer.status == _OK and token and token.isprintable():
            return token
        if self._needs_token:
            raise MissingIdentityError(
                f"{_SILENT}the metadata service gave no token ({answer.status})",
                _CONFIGURE,
            )
        return ""

    def _put(self) -> Response:
        ttl = {"x-aliyun-ecs-metadata-token-ttl-seconds": str(_TOKEN_TTL_S)}
        url = f"{self._base}/latest/api/token"
        env = self._environment
        return with_retries(
            lambda: probe("PUT", url, env, headers=ttl, timeout_s=TIMEOUT_S)
        )

    def _get(self, path: str) -> Response:
        answer = self._ask(path, self._token)
        if answer.status == _OK or not self._token or self._needs_token:
            return answer
        again = self._ask(path, "")  # a service may refuse its own tokens
        return again if again.status == _OK else answer

    def _ask(self, path: str, token: str) -> Response:
        shown = {"x-aliyun-ecs-metadata-token": token} if token else {}
        return with_retries(
            lambda: request(
                "GET",
                self._base + path,
                self._environment,
                headers=shown,
                timeout_s=TIMEOUT_S,
            )
        )


def _missing(cause: str) -> MissingIdentityError:
    return MissingIdentityError(f"{_SILENT}{cause}", _CONFIGURE)


def keys_of_uri(environment: Environment) -> AlibabaKeys:
    """Return the keys in the answer from ALIBABA_CLOUD_CREDENTIALS_URI."""
    url = environment.get(_URI)
    url = url if "://" in url else f"http://{url}"
    answer = with_retries(
        lambda: request("GET", url, environment, headers={}, timeout_s=2 * TIMEOUT_S)
    )
    return _keys(answer, Target(url).netloc, "")


def assume_role_with_oidc(
    environment: Environment, token: str, role: str, provider: str
) -> AlibabaKeys:
    """Exchange an identity token for the temporary keys of a role."""
    now = time.time()
    session = environment.get("ALIBABA_CLOUD_ROLE_SESSION_NAME")
    host = api.sts_host(environment)
    body = urlencode(
        {
            "Action": "AssumeRoleWithOIDC",
            "Format": "JSON",
            "Version": "2015-04-01",
            "Timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)),
            "RoleArn": role,
            "OIDCProviderArn": provider,
            "OIDCToken": token,
            "RoleSessionName": session or f"dockcred-{int(now)}",
        }
    ).encode()
    headers = {
        "accept": "application/json",
        "content-type": "application/x-www-form-urlencoded",
    }
    url = f"https://{host}/"
    answer = api.answer_of(
        lambda: request("POST", url, environment, headers=headers, body=body),
        "sts:AssumeRoleWithOIDC",
        host,
    )
    return _keys_in(answer.get("Credentials"), host, _OK, "")


def _keys(answer: Response, name: str, principal: str) -> AlibabaKeys:
    if answer.status != _OK:
        raise _unusable(name, answer.status)
    try:
        fields = answer.json()
    except (ValueError, RecursionError):
        raise _unusable(name, answer.status) from None
    code = fields.get("Code") if isinstance(fields, dict) else None
    if isinstance(code, str) and code != "Success":
        raise IssueError(
            f"{name} has no keys for the role ({code:.40})",
            "see the role's trust policy",
        )
    return _keys_in(fields if code else None, name, answer.status, principal)


def _keys_in(fields: object, name: str, status: int, principal: str) -> AlibabaKeys:
    found = [fields.get(key) for key in _KEYS] if isinstance(fields, dict) else []
    words = [word for word in found if isinstance(word, str) and word]
    if len(words) != len(_KEYS):
        raise _unusable(name, status)
    return AlibabaKeys(words[0], words[1], words[2], principal)


def _is_true(environment: Environment, name: str) -> bool:
    """Return whether a switch is on: Alibaba's library accepts no word but "true"."""
    return environment.get(name).lower() == "true"


def _unusable(name: str, status: int) -> IssueError:
    return IssueError(
        f"{name} did not answer as Alibaba Cloud's metadata does (status {status})",
        "see what listens there",
    )
