"""The request for a registry's token, and what its refusals mean."""

from __future__ import annotations

import time

from dockcred.credential import Credential
from dockcred.errors import EndedError, IssueError, ThrottledError, TransportError
from dockcred.providers.oracle.hosts import USER
from dockcred.transport.http import (
    ahead_s,
    delay_s,
    is_temporary_for_one,
    request,
    with_retries,
)
from dockcred.transport.json_reader import seconds
from dockcred.transport.target import Target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from dockcred.system.environment import Environment
    from dockcred.transport.response import Response

    class RequestSigner(Protocol):
        """A signer of requests, our own or the SDK's."""

        def headers(self, method: str, netloc: str, path: str) -> dict[str, str]:
            """Return the headers of a request, including its signature."""


CA_VARIABLES = ("OCI_CLI_CERT_BUNDLE",)
TOKEN_PATH = "/20180419/docker/token"  # noqa: S105 - a path
SKEW_S = 300
"""How many seconds a clock may be wrong: Oracle refuses a request beyond that."""
_OK, _REFUSED, _DENIED, _UNKNOWN, _TOO_MANY = 200, 401, 403, 404, 429


def registry_token(
    place: str, signer: RequestSigner, whose: str, environment: Environment
) -> Credential:
    """Return the password of the registry at `place`, for the identity of `signer`.

    `whose` names the identity in an error. Raises IssueError where Oracle refuses.
    """
    asked_at = time.time()
    url = f"https://{place}{TOKEN_PATH}"
    netloc = Target(url).netloc
    answer = with_retries(
        lambda: request(
            "GET",
            url,
            environment,
            # Signed anew for each attempt: a date is valid for five minutes.
            headers=lambda: signer.headers("GET", netloc, TOKEN_PATH),
            ca_variables=CA_VARIABLES,
        ),
        is_temporary_for_one,
    )
    if answer.status != _OK:
        raise refusal(answer, place, whose)
    try:
        fields = answer.json()
        token, life_s = fields["token"], seconds(fields.get("expires_in"))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        token, life_s = "", None
    if not is_sound(token):
        raise garbage(place)
    return Credential(
        USER, token, asked_at, None if life_s is None else asked_at + life_s
    )


def is_sound(value: object) -> bool:
    """Return whether a value can be a token: one word of printable ASCII."""
    return (
        isinstance(value, str)
        and value.isascii()
        and value.isprintable()
        and bool(value)
        and not set(value) & set(' "\\')
    )


def refusal(answer: Response, name: str, whose: str) -> IssueError:
    """Return the error for a refusal; `whose` names the identity that is refused."""
    status = answer.status
    if status == _REFUSED:
        if (off_s := abs(ahead_s(answer.headers.get("date", "")))) > SKEW_S:
            return IssueError(
                f"{name} refuses {whose}: this machine's clock is {off_s:.0f} s off",
                "set this machine's clock (NTP)",
            )
        return EndedError(
            f"{name} does not accept {whose}: it is deleted or has ended, is of "
            "another tenancy, or its tenancy is not subscribed to this region",
            "see the user's API keys; for a session, run: oci session authenticate",
        )
    if status in {_DENIED, _UNKNOWN}:
        return IssueError(
            f"{name} denies {whose} (status {status})",
            "let a policy allow it to read repos in the tenancy",
        )
    if status == _TOO_MANY:
        return ThrottledError(
            f"{name} throttles {whose}", "try again later", delay_s(answer)
        )
    return IssueError(
        f"{name} answered {status}", "try again; then see ocistatus.oraclecloud.com"
    )


def garbage(name: str) -> TransportError:
    """Return the error for an answer that does not have the form of Oracle's."""
    return TransportError(
        f"{name} did not answer as Oracle's cloud does",
        "see what listens there: a proxy, a captive portal or another service",
    )
