"""Translate the answers of an API server into our errors.

No error holds the content of a Secret.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from dockcred.errors import (
    DockcredError,
    InvalidInputError,
    IssueError,
    RefusedError,
    TransportError,
)

BUSY_S, LONGEST_BUSY_S = 1.0, 30.0
"""Seconds to wait for a busy server that sends no Retry-After, and the longest wait."""


class NotThereError(IssueError):
    """The server has no such object."""


class EndingError(NotThereError):
    """The namespace is being deleted; nothing new can be made in it."""


class ConflictError(IssueError):
    """Another client has changed or made the object since we read it."""


class GoneError(IssueError):
    """The server no longer has the version of the list that is being read."""


class UnreachableError(TransportError):
    """The server cannot be reached, or serves no client at the moment."""


class NoTimeError(UnreachableError):
    """The server answers, but asks us to send no request for `wait_s` seconds."""

    def __init__(self, cause: str, remedy: str, wait_s: float) -> None:
        """Keep `wait_s` as well."""
        super().__init__(cause, remedy)
        self.wait_s = wait_s


@contextmanager
def told(action: str) -> Iterator[None]:
    """Turn the client's errors in the block into ours, without a Secret's content."""
    from kubernetes.client import ApiException  # noqa: PLC0415 - takes half a second
    from urllib3.exceptions import HTTPError  # noqa: PLC0415 - comes with the client

    try:
        yield
    except ApiException as error:
        raise failure(
            error.status, error.reason, action, error.headers, error.body
        ) from None
    except HTTPError as error:
        raise UnreachableError(
            f"could not {action}: the API server is away ({type(error).__name__})",
            "see whether it runs, and which one KUBECONFIG names",
        ) from None


def failure(
    status: int,
    reason: str,
    action: str,
    headers: Mapping[str, str] | None = None,
    body: str | bytes | None = None,
) -> DockcredError:
    """Return our error for an HTTP status."""
    match status:
        case 400:
            return InvalidInputError(
                f"could not {action}: the API server does not understand it",
                "see whether namespace_selector is one",
            )
        case 401:
            return RefusedError(
                f"could not {action}: the API server does not know us",
                "see whether the token of this identity has ended",
            )
        case 403 if "NamespaceTerminating" in str(body):
            return EndingError(
                f"could not {action}: its namespace is being deleted", "name another"
            )
        case 403:
            return RefusedError(
                f"not allowed to {action}",
                "grant it: packaging/kubernetes/refresh has the role",
            )
        case 404:
            return NotThereError(
                f"could not {action}: it, or its namespace, is not there",
                "make it, or name another",
            )
        case 409:
            return ConflictError(
                f"could not {action}: others change it at the same time", "try again"
            )
        case 410:
            return GoneError(f"could not {action}: the list has changed", "try again")
        case 422:
            return InvalidInputError(
                f"could not {action}: the API server takes it for invalid",
                "see whether the Secret is immutable: then delete it",
            )
        case 429 | 503 | 504:
            return NoTimeError(
                f"could not {action}: the API server has no time ({status} {reason})",
                "see what it is busy with",
                _wait_s(headers),
            )
        case _:
            return TransportError(
                f"could not {action}: the API server answered {status} {reason}",
                "see its log, and the admission webhooks",
            )


def _wait_s(headers: Mapping[str, str] | None) -> float:
    """Return the seconds that Retry-After asks for, from BUSY_S to LONGEST_BUSY_S."""
    wait = BUSY_S
    with suppress(ValueError, TypeError):
        wait = float((headers or {}).get("Retry-After") or BUSY_S)
    return min(max(wait, BUSY_S), LONGEST_BUSY_S)
