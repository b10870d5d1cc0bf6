"""The few calls to a Kubernetes API server, by the official client.

Verbs: get, create and patch on Secrets, patch on workloads, list on namespaces where
they are chosen by label. The address and the identity are kubeconfig's, else the pod's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from dockcred.errors import (
    DockcredError,
    InvalidInputError,
    IssueError,
    MissingExtraError,
    MissingIdentityError,
    RefusedError,
    TransportError,
)
from dockcred.system import environment

TIMEOUT_S = (5, 10)
"""To connect, and between two pieces of the answer."""

MERGE_PATCH = "application/merge-patch+json"
WORKLOADS = {
    "deployment": "deployment",
    "daemonset": "daemon_set",
    "statefulset": "stateful_set",
}
"""What can be restarted, and how the client calls it."""

_PAGE = 500
_MORE_LISTINGS = 4
_IN_POD = "/var/run/secrets/kubernetes.io/serviceaccount/token"


class NotThereError(IssueError):
    """The server has no such object."""


class ConflictError(IssueError):
    """Somebody has changed or made the object since we have looked."""


class UnreachableError(TransportError):
    """The server cannot be reached, or can do nothing for anybody now."""


class GoneError(IssueError):
    """The server has forgotten the list that is being read."""


class Cluster:
    """One API server, and who we are there."""

    def __init__(self) -> None:
        """Read where both are; nothing is asked yet."""
        try:
            from kubernetes import client, config  # noqa: PLC0415 - half a second
        except ImportError:
            raise MissingExtraError(
                "the Kubernetes client is missing", "pip install 'dockcred[kubernetes]'"
            ) from None
        settings = client.Configuration()
        # We come back later ourselves, and urllib3 would tell of each attempt.
        settings.retries = False
        self._find(config, settings)
        # Its types name what may be missing from any object; ours are plain JSON.
        self._client: Any = client.ApiClient(settings)
        self._core: Any = client.CoreV1Api(self._client)
        self._apps: Any = client.AppsV1Api(self._client)

    @staticmethod
    def _find(config: Any, settings: Any) -> None:
        variables = environment.current()
        path = variables.get("KUBECONFIG") or f"{variables.home()}/.kube/config"
        named = variables.get("KUBECONFIG") or os.path.exists(path)
        try:
            if named:
                config.load_kube_config(path, client_configuration=settings)
            else:
                config.load_incluster_config(client_configuration=settings)
        except Exception as error:  # noqa: BLE001 - YAML's, base64's and its own
            where = path if named else f"{_IN_POD}, and there is no {path}"
            why = type(error).__name__  # what others say may quote the file
            if isinstance(error, config.ConfigException):
                why = str(error).partition("\n")[0]
            raise MissingIdentityError(
                f"no API server is found: see {where} ({why})",
                "set KUBECONFIG, or run it in a pod with a service account",
            ) from None

    def secret(self, namespace: str, name: str) -> dict[str, Any]:
        """Return a Secret; NotThereError where there is none."""
        with _told("get the Secret"):
            found = self._core.read_namespaced_secret(
                name, namespace, _request_timeout=TIMEOUT_S
            )
        plain: dict[str, Any] = self._client.sanitize_for_serialization(found)
        return plain

    def create_secret(self, namespace: str, body: dict[str, Any]) -> None:
        """Make a Secret; ConflictError where somebody has made it before."""
        with _told("create the Secret"):
            self._core.create_namespaced_secret(
                namespace, body, _request_timeout=TIMEOUT_S
            )

    def patch_secret(self, namespace: str, name: str, body: dict[str, Any]) -> None:
        """Change a Secret; ConflictError if it is not as the body's version says."""
        with _told("patch the Secret"):
            self._core.patch_namespaced_secret(
                name,
                namespace,
                body,
                _content_type=MERGE_PATCH,
                _request_timeout=TIMEOUT_S,
            )

    def annotate_pods(
        self, kind: str, namespace: str, name: str, annotations: dict[str, str]
    ) -> None:
        """Annotate the pods of a workload: another value than before restarts them."""
        patch = getattr(self._apps, f"patch_namespaced_{WORKLOADS[kind]}")
        template = {"metadata": {"annotations": annotations}}
        with _told(f"patch {kind} {name}"):
            patch(
                name,
                namespace,
                {"spec": {"template": template}},
                _content_type=MERGE_PATCH,
                _request_timeout=TIMEOUT_S,
            )

    def namespaces(self, selector: str) -> list[str]:
        """Return the namespaces with these labels, without those that are ending."""
        for _ in range(_MORE_LISTINGS):
            with suppress(GoneError):
                return sorted(self._pages(selector))
        return sorted(self._pages(selector))

    def _pages(self, selector: str) -> Iterator[str]:
        after = None
        while True:
            with _told("list namespaces"):
                page = self._core.list_namespace(
                    label_selector=selector,
                    limit=_PAGE,
                    _continue=after,
                    _request_timeout=TIMEOUT_S,
                )
            for namespace in page.items:
                if namespace.status.phase != "Terminating":
                    yield namespace.metadata.name
            after = page.metadata._continue  # noqa: SLF001 - the client's own name
            if not after:
                return


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Raise our errors for the client's; a Secret's content is in none of them."""
    from kubernetes.client import ApiException  # noqa: PLC0415 - see above
    from urllib3.exceptions import HTTPError  # noqa: PLC0415 - the client's own

    try:
        yield
    except ApiException as error:
        raise _failure(error.status, error.reason, what) from None
    except HTTPError as error:
        raise UnreachableError(
            f"could not {what}: the API server is away ({type(error).__name__})",
            "see whether it runs, and which one KUBECONFIG names",
        ) from None


def _failure(status: int, reason: str, what: str) -> DockcredError:
    match status:
        case 400:
            return InvalidInputError(
                f"could not {what}: the API server does not understand it",
                "see whether namespace_selector is one",
            )
        case 401:
            return RefusedError(
                f"could not {what}: the API server does not know us",
                "see whether the token of this identity has ended",
            )
        case 403:
            return RefusedError(
                f"not allowed to {what}",
                "grant it: packaging/kubernetes/refresh has the role",
            )
        case 404:
            return NotThereError(
                f"could not {what}: it, or its namespace, is not there",
                "make it, or name another",
            )
        case 409:
            return ConflictError(
                f"could not {what}: others change it at the same time", "try again"
            )
        case 410:
            return GoneError(f"could not {what}: the list has changed", "try again")
        case 422:
            return InvalidInputError(
                f"could not {what}: the API server takes it for invalid",
                "see whether the Secret is immutable: then delete it",
            )
        case 429 | 503 | 504:
            return UnreachableError(
                f"could not {what}: the API server has no time ({status} {reason})",
                "see what it is busy with",
            )
        case _:
            return TransportError(
                f"could not {what}: the API server answered {status} {reason}",
                "see its log, and the admission webhooks",
            )
