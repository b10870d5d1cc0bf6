"""Requests to the registry's API and to STS, signed by ACS3-HMAC-SHA256.

Source: alibabacloud.com/help/en/sdk/product-overview/v3-request-structure-and-signature
"""

from __future__ import annotations

import hashlib
import hmac
import os
import time

from dockcred.credential import Credential
from dockcred.errors import IssueError, RefusedError, ThrottledError, TransportError
from dockcred.system import process
from dockcred.system.version import __version__
from dockcred.transport import http
from dockcred.transport.target import NameNotFoundError, urlencode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from dockcred.providers.alibaba.hosts import AlibabaRegistry
    from dockcred.system.environment import Environment
    from dockcred.transport.response import Response

MAX_LIFE_S = 12 * 3600.0
_ALGORITHM = "ACS3-HMAC-SHA256"
_EMPTY = hashlib.sha256(b"").hexdigest()
_OK = 200
_PERSONAL, _ENTERPRISE, _STS = "2016-06-07", "2018-12-01", "2015-04-01"
_MILLISECONDS = 1000.0


class AlibabaKeys:
    """An access key id with its secret, and a token if the keys are temporary.

    `principal` is what the source tells about the owner of the keys.
    """

    __slots__ = ("access_key_id", "principal", "secret", "token")

    def __init__(
        self, access_key_id: str, secret: str, token: str = "", principal: str = ""
    ) -> None:
        self.access_key_id = access_key_id
        self.secret = secret
        self.token = token
        self.principal = principal


class Call:
    """An operation of an API: its host, name, version and parameters."""

    __slots__ = ("action", "host", "method", "path", "query", "version")

    def __init__(
        self,
        host: str,
        action: str,
        version: str,
        query: Mapping[str, str] | None = None,
        *,
        method: str = "POST",
        path: str = "/",
    ) -> None:
        self.host = host
        self.action = action
        self.version = version
        self.query = urlencode(dict(sorted((query or {}).items())))
        self.method = method
        self.path = path

    @property
    def url(self) -> str:
        """Return the URL of the request, with its parameters."""
        return f"https://{self.host}{self.path}{'?' if self.query else ''}{self.query}"


def authorization_token(
    registry: AlibabaRegistry, keys: AlibabaKeys, environment: Environment
) -> Credential:
    """Return the password of a registry, by GetAuthorizationToken."""
    host = f"cr{_network(environment)}.{registry.region}.aliyuncs.com"
    action = "GetAuthorizationToken"
    if not registry.instance:
        call = Call(host, action, _PERSONAL, method="GET", path="/tokens")
        fields = _mapping(_ask(call, keys, environment).get("data"), host)
        names = ("tempUserName", "authorizationToken", "expireDate")
    else:
        which = environment.get("DOCKER_CREDENTIAL_ACR_HELPER_INSTANCE_ID")
        which = which or _instance(host, registry, keys, environment)
        call = Call(host, action, _ENTERPRISE, {"InstanceId": which})
        fields = _ask(call, keys, environment)
        names = ("TempUsername", "AuthorizationToken", "ExpireTime")
    return _credential([fields.get(name) for name in names], host)


def _instance(
    host: str, registry: AlibabaRegistry, keys: AlibabaKeys, environment: Environment
) -> str:
    """Return the id of the enterprise instance that the registry's host names."""
    which = {"InstanceName": registry.instance}
    answer = _ask(Call(host, "ListInstance", _ENTERPRISE, which), keys, environment)
    found = answer.get("Instances")
    for each in found if isinstance(found, list) else ():
        # Instances whose name only begins like this are in the answer too.
        instance = _mapping(each, host)
        if instance.get("InstanceName") == registry.instance:
            return str(instance.get("InstanceId", ""))
    raise RefusedError(
        f"Alibaba Cloud shows no instance {registry.instance} in {registry.region}",
        "see the host's name, that the account is the instance's, and that its RAM "
        "policy allows cr:ListInstance; or set instance_id in config.toml",
    )


def caller(keys: AlibabaKeys, environment: Environment) -> str:
    """Return the ARN that the keys belong to, by STS's GetCallerIdentity."""
    call = Call(sts_host(environment), "GetCallerIdentity", _STS)
    return str(_ask(call, keys, environment).get("Arn", ""))


def sts_host(environment: Environment) -> str:
    """Return the host of STS, as Alibaba's own variables choose it."""
    region = environment.get("ALIBABA_CLOUD_STS_REGION")
    if not region:
        return "sts.aliyuncs.com"
    return f"sts{_network(environment)}.{region}.aliyuncs.com"


def _network(environment: Environment) -> str:
    name = "ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED"
    return "-vpc" if environment.get(name).lower() == "true" else ""


def _ask(call: Call, keys: AlibabaKeys, environment: Environment) -> dict[str, Any]:
    """Return the JSON of the answer to a signed call."""

    def signed() -> dict[str, str]:
        # Signed anew for each attempt: a nonce is valid once.
        return sign(call, keys, nonce=os.urandom(16).hex(), now=time.time())

    def ask() -> Response:
        return http.request(call.method, call.url, environment, headers=signed)

    operation = f"{'sts' if call.version == _STS else 'cr'}:{call.action}"
    return answer_of(ask, operation, call.host)


def answer_of(ask: Callable[[], Response], operation: str, host: str) -> dict[str, Any]:
    """Return the JSON of Alibaba's answer of status 200, with retries.

    Raises IssueError where Alibaba refuses, by the code of the answer.
    """
    try:
        answer = http.with_retries(ask, _is_temporary, float("inf"), _is_throttle)
    except NameNotFoundError as error:
        raise TransportError(
            f"{error.cause}: perhaps there is no such region",
            "see the region in the registry's name",
        ) from None
    fields, code = _read(answer)
    if answer.status == _OK and fields is not None and not _is_refused(fields):
        return fields
    if answer.status == _OK and fields is None:
        raise _garbage(host)
    from dockcred.providers.alibaba import problems  # noqa: PLC0415 - a refusal only

    message = str((fields or {}).get("Message") or "")
    date = answer.headers.get("date", "")
    meant = problems.meaning(code, message, operation, answer.status, date=date)
    if isinstance(meant, ThrottledError):
        meant.retry_after_s = http.delay_s(answer)
    raise meant


def _is_refused(fields: Mapping[str, Any]) -> bool:
    """Return whether an answer of status 200 tells a failure."""
    return fields.get("IsSuccess") is False


def _read(answer: Response) -> tuple[dict[str, Any] | None, str]:
    """Return an answer's fields, None where it is not JSON, and its error code."""
    try:
        fields = answer.json()
    except (ValueError, RecursionError):
        return None, ""
    if not isinstance(fields, dict):
        return None, ""
    return fields, str(fields.get("Code") or fields.get("code") or "")


def _is_temporary(answer: Response) -> bool:
    if answer.status == _OK or (process.takes_turns and _is_throttle(answer)):
        return False
    return _is_throttle(answer) or http.is_temporary(answer)


def _is_throttle(answer: Response) -> bool:
    if answer.status == _OK:
        return False
    return http.is_throttle(answer) or _read(answer)[1].startswith("Throttling")


def _mapping(value: Any, host: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _garbage(host)
    return value


def _credential(values: list[Any], host: str) -> Credential:
    """Parse user, password and expiry, which is in milliseconds since the epoch."""
    user, password, ends = values
    is_text = all(isinstance(text, str) and text for text in (user, password))
    if not is_text or not isinstance(ends, int) or isinstance(ends, bool):
        raise _garbage(host)
    now = time.time()
    return Credential(user, password, now, min(ends / _MILLISECONDS, now + MAX_LIFE_S))


def _garbage(host: str) -> IssueError:
    return TransportError(
        f"{host} did not answer as Alibaba Cloud does",
        "see what listens there: a proxy, a captive portal or another service",
    )


def sign(call: Call, keys: AlibabaKeys, *, nonce: str, now: float) -> dict[str, str]:
    """Return the headers of a call without a body, including its signature.

    `now` is in seconds since the epoch.
    """
    headers = {
        "accept": "application/json",
        "host": call.host,
        "user-agent": f"dockcred/{__version__}",
        "x-acs-action": call.action,
        "x-acs-content-sha256": _EMPTY,
        "x-acs-date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)),
        "x-acs-signature-nonce": nonce,
        "x-acs-version": call.version,
    }
    if keys.token:
        headers["x-acs-accesskey-id"] = keys.access_key_id
        headers["x-acs-security-token"] = keys.token
    names = sorted(headers)
    signed = ";".join(names)
    lines = [call.method, call.path, call.query]
    lines += [f"{name}:{headers[name].strip()}" for name in names]
    canonical = "\n".join((*lines, "", signed, _EMPTY))
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"{_ALGORITHM}\n{digest}".encode()
    signature = hmac.digest(keys.secret.encode(), text, "sha256").hex()
    headers["authorization"] = (
        f"{_ALGORITHM} Credential={keys.access_key_id},SignedHeaders={signed},"
        f"Signature={signature}"
    )
    return headers
