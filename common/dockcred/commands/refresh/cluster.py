"""The few calls to a Kubernetes API server, made with the official client.

Verbs: get, create and patch on Secrets; patch on workloads; get, create and update on a
Lease. Where namespaces are chosen by label: also list and watch on namespaces and on
the Secrets of one name. The address and the identity come from kubeconfig, or else from
the pod.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from dockcred import system
from dockcred.commands.refresh.answers import GoneError, failure, told
from dockcred.errors import MissingExtraError, MissingIdentityError, TransportError
from dockcred.system import environment

TIMEOUT_S = (5, 10)
"""Seconds: to connect, and between two parts of the response."""

MERGE_PATCH = "application/merge-patch+json"
WORKLOADS = {
    "deployment": "deployment",
    "daemonset": "daemon_set",
    "statefulset": "stateful_set",
}
"""The workloads that can be restarted, and the client's name for each."""

QUIET_S = 90
"""Seconds without an event after which a watch is broken.

The server sends a bookmark once a minute.
"""

CONNECTIONS = 16
"""Size of the connection pool: above the most requests at once, so all are reused."""

_WATCH_S = (240, 480)
"""Seconds after which the server ends a watch, drawn between these two.

A load balancer can then move the connection to another server.
"""

_METADATA = "application/json;as=PartialObjectMetadata{};g=meta.k8s.io;v=v1"
"""The media type of objects without their content, only metadata.

A Secret's content is then neither sent nor kept in memory.
"""

_PAGE = 500
_MORE_LISTINGS = 4
_IN_POD = f"{system.IN_POD}/token"


@dataclass(frozen=True)
class Query:
    """A query for objects of one kind in the whole cluster; messages call them `said`.

    It selects by label or by one name. A role that is restricted to this name allows
    the query by name.
    """

    kind: str
    said: str
    labels: str | None = None
    name: str | None = None

    @property
    def selectors(self) -> dict[str, str]:
        """Return the query as keyword arguments of the client."""
        fields = f"metadata.name={self.name}" if self.name else None
        both = {"label_selector": self.labels, "field_selector": fields}
        return {name: value for name, value in both.items() if value}


def namespaces_with(labels: str) -> Query:
    """Return the query for the namespaces with these labels."""
    return Query("namespace", "namespaces", labels=labels)


def secrets_named(name: str) -> Query:
    """Return the query for the Secrets of one name, in all namespaces."""
    return Query("secret", f"the Secrets named {name}", name=name)


class Cluster:
    """One API server, and our identity there."""

    def __init__(self) -> None:
        """Read the address and the identity; no request is sent yet."""
        try:
            from kubernetes import client, config  # noqa: PLC0415 - takes half a second
        except ImportError:
            raise MissingExtraError(
                "the Kubernetes client is missing", "pip install 'dockcred[kubernetes]'"
            ) from None
        settings = client.Configuration()
        # The caller retries, and urllib3 would log each of its own retries.
        settings.retries = False
        settings.connection_pool_maxsize = CONNECTIONS
        self._find(config, settings)
        # In the client's types any field of an object may be missing. We use plain
        # JSON.
        api: Any = client.ApiClient(settings)
        self._core: Any = client.CoreV1Api(api)
        self._apps: Any = client.AppsV1Api(api)
        self._leases: Any = client.CoordinationV1Api(api)

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
        except Exception as error:  # noqa: BLE001 - YAML's, base64's and the client's
            where = path if named else f"{_IN_POD}, and there is no {path}"
            why = type(error).__name__  # another library's message may quote the file
            if isinstance(error, config.ConfigException):
                why = str(error).partition("\n")[0]
            raise MissingIdentityError(
                f"no API server is found: see {where} ({why})",
                "set KUBECONFIG, or run it in a pod with a service account",
            ) from None

    def secret(self, namespace: str, name: str) -> dict[str, Any]:
        """Return a Secret; raise NotThereError if there is none."""
        return _ask(
            "get the Secret", self._core.read_namespaced_secret, name, namespace
        )

    def create_secret(self, namespace: str, body: dict[str, Any]) -> str:
        """Create a Secret, return its version; raise ConflictError if it exists."""
        create = self._core.create_namespaced_secret
        return _version(_ask("create the Secret", create, namespace, body))

    def patch_secret(self, namespace: str, name: str, body: dict[str, Any]) -> str:
        """Patch a Secret, return its version; ConflictError if the body's is old."""
        patch = self._core.patch_namespaced_secret
        made = _ask(
            *("patch the Secret", patch, name, namespace, body),
            _content_type=MERGE_PATCH,
        )
        return _version(made)

    def annotate_pods(
        self, kind: str, namespace: str, name: str, annotations: dict[str, str]
    ) -> None:
        """Annotate a workload's pods: a value that differs restarts them."""
        patch = getattr(self._apps, f"patch_namespaced_{WORKLOADS[kind]}")
        body = {"spec": {"template": {"metadata": {"annotations": annotations}}}}
        _ask(
            *(f"patch {kind} {name}", patch, name, namespace, body),
            _content_type=MERGE_PATCH,
        )

    def lease(self, namespace: str, name: str) -> dict[str, Any]:
        """Return a Lease; raise NotThereError if there is none."""
        return _ask(
            "get the Lease", self._leases.read_namespaced_lease, name, namespace
        )

    def create_lease(self, namespace: str, body: dict[str, Any]) -> None:
        """Create a Lease; raise ConflictError if it exists."""
        _ask("create the Lease", self._leases.create_namespaced_lease, namespace, body)

    def replace_lease(self, namespace: str, name: str, body: dict[str, Any]) -> None:
        """Replace a Lease; ConflictError if it no longer has the body's version."""
        replace = self._leases.replace_namespaced_lease
        _ask("update the Lease", replace, name, namespace, body)

    def namespaces(self, selector: str) -> list[str]:
        """Return the namespaces with these labels that are not being deleted."""
        found, _ = self.listed(namespaces_with(selector))
        return sorted(each["name"] for each in found if not is_ending(each))

    def listed(self, query: Query) -> tuple[list[dict[str, Any]], str]:
        """Return all objects' metadata, and the version to watch from."""
        for _ in range(_MORE_LISTINGS):
            with suppress(GoneError):
                return self._pages(query)
        return self._pages(query)

    def _pages(self, query: Query) -> tuple[list[dict[str, Any]], str]:
        found: list[dict[str, Any]] = []
        after = None
        while True:
            page = _ask(
                f"list {query.said}",
                self._lister(query),
                limit=_PAGE,
                _continue=after,
                _headers={"Accept": _METADATA.format("List")},
                **query.selectors,
            )
            # An empty list of metadata objects is null in JSON.
            found.extend(each["metadata"] for each in page["items"] or ())
            after = page["metadata"].get("continue")
            if not after:
                return found, _version(page)

    def _lister(self, query: Query) -> Callable[..., Any]:
        namespaces, secrets = "list_namespace", "list_secret_for_all_namespaces"
        name = namespaces if query.kind == "namespace" else secrets
        lister: Callable[..., Any] = getattr(self._core, name)
        return lister

    def watched(self, query: Query, version: str) -> Iterator[tuple[str, Any]]:
        """Yield each event after `version`: its type, and the object's metadata.

        The request is sent at once. Raises GoneError if the server no longer has that
        version. The iterator ends when the server ends the watch. It raises an error if
        the connection breaks.
        """
        action = f"watch {query.said}"
        with told(action):
            stream = self._lister(query)(
                watch=True,
                allow_watch_bookmarks=True,
                resource_version=version,
                timeout_seconds=random.randint(*_WATCH_S),  # noqa: S311 - spreads load
                _headers={"Accept": _METADATA.format("")},
                _preload_content=False,
                _request_timeout=(TIMEOUT_S[0], QUIET_S),
                **query.selectors,
            )
        return _events(stream, action)


def is_ending(metadata: dict[str, Any]) -> bool:
    """Return whether the object is being deleted."""
    return "deletionTimestamp" in metadata


def _ask(
    action: str, call: Callable[..., Any], *arguments: Any, **more: Any
) -> dict[str, Any]:
    """Return a response as plain JSON; the client's own types are slow to build."""
    with told(action):
        answer = call(
            *arguments, _preload_content=False, _request_timeout=TIMEOUT_S, **more
        )
        return _document(answer.data, action)


def _document(text: bytes, action: str) -> dict[str, Any]:
    with suppress(ValueError):
        found = json.loads(text)
        if isinstance(found, dict):
            return found
    raise TransportError(
        f"could not {action}: the API server's answer is no object",
        "see what stands between: a proxy, a balancer",
    )


def _version(document: dict[str, Any]) -> str:
    version: str = document["metadata"]["resourceVersion"]
    return version


def _events(stream: Any, action: str) -> Iterator[tuple[str, Any]]:
    try:
        with told(action):
            for line in _lines(stream):
                event = _document(line, action)
                found = event["object"]
                if event["type"] == "ERROR":
                    raise failure(found["code"], found.get("reason", ""), action)
                yield event["type"], found["metadata"]
    finally:
        stream.close()


def _lines(stream: Any) -> Iterator[bytes]:
    rest = b""
    for piece in stream.stream(amt=None, decode_content=False):
        *whole, rest = (rest + piece).split(b"\n")
        yield from filter(None, whole)
