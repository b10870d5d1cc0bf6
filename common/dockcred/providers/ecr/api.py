"""ECR's API: one signed request (Signature Version 4) for a password."""

from __future__ import annotations

import hashlib
import hmac
import time

from dockcred.credential import Credential
from dockcred.errors import IssueError, ThrottledError, TransportError
from dockcred.providers.ecr import endpoints
from dockcred.providers.ecr.endpoints import Keys
from dockcred.providers.ecr.hosts import PUBLIC_REGION
from dockcred.system import process
from dockcred.system.version import __version__
from dockcred.transport import http, json_reader
from dockcred.transport.http import request
from dockcred.transport.response import Response
from dockcred.transport.target import NameNotFoundError, Target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from dockcred.providers.ecr.hosts import EcrRegistry
    from dockcred.system.environment import Environment

MAX_LIFE_S = 12 * 3600.0
_USER_AGENT = f"dockcred/{__version__}"
_OK = 200


def preconnect(registry: EcrRegistry, environment: Environment) -> None:
    """Open the connection to a registry's ECR API before it is needed."""
    url = endpoints.ecr(registry, environment)
    http.preconnect(url, environment, endpoints.CA_VARIABLES)


def authorization_token(
    registry: EcrRegistry, keys: Keys, environment: Environment
) -> Credential:
    """Return the password of a registry, by GetAuthorizationToken."""
    url = endpoints.ecr(registry, environment)
    target = Target(url)
    if registry.is_public:
        service, prefix, body = "ecr-public", "SpencerFrontendService", b"{}"
    else:
        service, prefix = "ecr", "AmazonEC2ContainerRegistry_V20150921"
        account = registry.account
        body = f'{{"registryIds":["{account}"]}}'.encode() if account else b"{}"
    operation = f"{service}:GetAuthorizationToken"

    def signed() -> dict[str, str]:
        headers = sign(
            keys,
            region=PUBLIC_REGION if registry.is_public else registry.region,
            service=service,
            host=target.netloc,
            path=target.path,
            headers={
                "content-type": "application/x-amz-json-1.1",
                "x-amz-target": f"{prefix}.GetAuthorizationToken",
            },
            body=body,
            now=time.time(),
        )
        return headers | {"user-agent": _USER_AGENT}

    answer = _succeed(lambda: _post(url, environment, signed, body), operation)
    try:
        data = answer.json()["authorizationData"]
        data = data[0] if isinstance(data, list) else data
        learn_account(registry, data)
        ends = json_reader.moment(data["expiresAt"])
        return credential(data["authorizationToken"], ends)
    except (ValueError, LookupError, TypeError):
        raise _garbage(target.netloc) from None


def learn_account(registry: EcrRegistry, data: dict[str, Any]) -> None:
    """Set the registry's account from AWS's answer, if it was not known before.

    Raises LookupError or TypeError where the answer does not tell.
    """
    if not registry.account and not registry.is_public:
        _, _, host = data["proxyEndpoint"].partition("://")
        registry.account = host.partition(".")[0]


def credential(token: str, expires_at: float) -> Credential:
    """Parse base64("AWS:password"); it ends in 12 hours at most, by our own clock.

    Raises ValueError where the token has another form.
    """
    import binascii  # noqa: PLC0415

    username, colon, password = (
        binascii.a2b_base64(token).decode("ascii").partition(":")
    )
    if not colon or not username or not password:
        raise ValueError("not user:password")
    now = time.time()
    return Credential(username, password, now, min(expires_at, now + MAX_LIFE_S))


def assume_role_with_web_identity(
    registry: EcrRegistry, token: str, environment: Environment
) -> Keys:
    """Exchange a web identity token for the temporary keys of AWS_ROLE_ARN."""
    from dockcred.transport.target import urlencode  # noqa: PLC0415 - this source only

    now = time.time()
    session = environment.get("AWS_ROLE_SESSION_NAME") or f"dockcred-{int(now)}"
    url = endpoints.sts(registry, environment)
    body = urlencode(
        {
            "Action": "AssumeRoleWithWebIdentity",
            "Version": "2011-06-15",
            "RoleArn": environment.get("AWS_ROLE_ARN"),
            "RoleSessionName": session,
            "WebIdentityToken": token,
        }
    ).encode()

    answer = _succeed(
        lambda: _post(url, environment, _FORM, body),
        "sts:AssumeRoleWithWebIdentity",
        environment.get("AWS_ROLE_ARN"),
        token,
    )
    text = answer.body.decode("utf-8", "replace")
    names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
    found = [_element(text, name) for name in names]
    if not all(found):
        raise _garbage(Target(url).netloc)
    return Keys(*found)


def caller(registry: EcrRegistry, keys: Keys, environment: Environment) -> str:
    """Return the ARN that the keys belong to, by STS's GetCallerIdentity."""
    url = endpoints.sts(registry, environment)
    target = Target(url)
    body = b"Action=GetCallerIdentity&Version=2011-06-15"

    def signed() -> dict[str, str]:
        return sign(
            keys,
            region=registry.region,
            service="sts",
            host=target.netloc,
            path=target.path,
            headers=_FORM,
            body=body,
            now=time.time(),
        )

    answer = _succeed(
        lambda: _post(url, environment, signed, body), "sts:GetCallerIdentity"
    )
    return _element(answer.body.decode("utf-8", "replace"), "Arn")


_FORM = {
    "content-type": "application/x-www-form-urlencoded",
    "user-agent": _USER_AGENT,
}


def _post(
    url: str,
    environment: Environment,
    headers: dict[str, str] | Callable[[], dict[str, str]],
    body: bytes,
) -> Response:
    return request(
        "POST",
        url,
        environment,
        headers=headers,
        body=body,
        ca_variables=endpoints.CA_VARIABLES,
    )


def _succeed(
    ask: Callable[[], Response], operation: str, role: str = "", token: str = ""
) -> Response:
    """Return AWS's answer of status 200, with retries; raise IssueError otherwise."""
    try:
        answer = http.with_retries(ask, _is_temporary, float("inf"), _is_throttle)
    except NameNotFoundError as error:
        from dockcred.providers.ecr import problems  # noqa: PLC0415 - a failure only

        raise problems.unnamed(error, error.cause) from None
    if answer.status == _OK:
        return answer
    from dockcred.providers.ecr import problems  # noqa: PLC0415 - a refusal only

    code, message = _error_of(answer)
    code, trust = code or f"HTTP {answer.status}", problems.Trust(role, token)
    date = answer.headers.get("date", "")
    meant = problems.meaning(code, message, operation, answer.status, trust, date=date)
    if isinstance(meant, ThrottledError):
        meant.retry_after_s = http.delay_s(answer)
    raise meant


def _is_temporary(answer: Response) -> bool:
    if answer.status == _OK or (process.takes_turns and _is_throttle(answer)):
        return False
    from dockcred.providers.ecr import problems  # noqa: PLC0415 - a refusal only

    return problems.is_temporary(_error_of(answer)[0], answer.status)


def _is_throttle(answer: Response) -> bool:
    from dockcred.providers.ecr import problems  # noqa: PLC0415 - metrics or a refusal

    return http.is_throttle(answer) or _error_of(answer)[0] in problems.THROTTLED


def _error_of(answer: Response) -> tuple[str, str]:
    """Return error code and message from AWS's JSON or XML; "" where there are none."""
    text = answer.body.decode("utf-8", "replace")
    if code := _element(text, "Code"):
        return code, _element(text, "Message")
    try:
        fields = answer.json()
        code = str(fields.get("__type") or "")
        message = str(fields.get("message") or fields.get("Message") or "")
    except (ValueError, AttributeError, RecursionError):
        return "", ""
    return code.partition(":")[0].rpartition("#")[2], message


def _element(text: str, name: str) -> str:
    """Return the text of the first XML element of this name, if it has no children."""
    _, _, rest = text.partition(f"<{name}>")
    inner, closed, _ = rest.partition(f"</{name}>")
    return inner.strip() if closed and "<" not in inner else ""


def _garbage(name: str) -> IssueError:
    return TransportError(
        f"{name} did not answer as AWS does",
        "see what listens there: a proxy, a captive portal or another service",
    )


_ALGORITHM = "AWS4-HMAC-SHA256"


def sign(
    keys: Keys,
    *,
    region: str,
    service: str,
    host: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    now: float,
) -> dict[str, str]:
    """Return the headers of a POST request with its signature (version 4) added.

    `now` is in seconds since the epoch. The names in `headers` are lower-case.
    """
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    headers = headers | {"host": host, "x-amz-date": stamp}
    if keys.session_token:
        headers["x-amz-security-token"] = keys.session_token
    names = sorted(headers)
    signed = ";".join(names)
    canonical = "\n".join(
        (
            "POST",
            path,
            "",
            *(f"{name}:{' '.join(headers[name].split())}" for name in names),
            "",
            signed,
            hashlib.sha256(body).hexdigest(),
        )
    )
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = f"AWS4{keys.secret}".encode()
    for part in scope.split("/"):
        key = _hmac(key, part)
    signature = _hmac(key, f"{_ALGORITHM}\n{stamp}\n{scope}\n{digest}").hex()
    headers["authorization"] = (
        f"{_ALGORITHM} Credential={keys.access_key_id}/{scope}, "
        f"SignedHeaders={signed}, Signature={signature}"
    )
    return headers


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
