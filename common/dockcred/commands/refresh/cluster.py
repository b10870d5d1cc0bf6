"""The few calls to a Kubernetes API server, by the official client.

Verbs: get, create and patch on Secrets, patch on workloads; where namespaces are chosen
by label, list and watch on them and on the Secrets of one name; get, create and update
on a Lease. The address and the identity are kubeconfig's, else the pod's.
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
"""To connect, and between two pieces of the answer."""

MERGE_PATCH = "application/merge-patch+json"
WORKLOADS = {
    "deployment": "deployment",
    "daemonset": "daemon_set",
    "statefulset": "stateful_set",
}
"""What can be restarted, and how the client calls it."""

QUIET_S = 90
"""A watch that says nothing for so long is broken: bookmarks come once a minute."""

CONNECTIONS = 16
"""More than are ever under way at once, so that each is used again."""

_WATCH_S = (240, 480)
"""After how long the server shall end a watch, so that a balancer can move it."""

_METADATA = "application/json;as=PartialObjectMetadata{};g=meta.k8s.io;v=v1"
"""Without what is in the objects: a Secret's content is neither sent nor held."""

_PAGE = 500
_MORE_LISTINGS = 4
_IN_POD = f"{system.IN_POD}/token"


@dataclass(frozen=True)
class Query:
    """Objects of one kind in the whole cluster, and what they are called in messages.

    By label, or by one name: a role that is bound to this name allows it.
    """

    kind: str
    said: str
    labels: str | None = None
    name: str | None = None

    @property
    def selectors(self) -> dict[str, str]:
        """Return it as the client's arguments."""
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
        settings.connection_pool_maxsize = CONNECTIONS
        self._find(config, settings)
        # Its types name what may be missing from any object; ours are plain JSON.
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
        return _ask(
            "get the Secret", self._core.read_namespaced_secret, name, namespace
        )

    def create_secret(self, namespace: str, body: dict[str, Any]) -> str:
        """Make a Secret, return its version; ConflictError where there is one."""
        create = self._core.create_namespaced_secret
        return _version(_ask("create the Secret", create, namespace, body))

    def patch_secret(self, namespace: str, name: str, body: dict[str, Any]) -> str:
        """Change a Secret, return its version; ConflictError if that is past."""
        patch = self._core.patch_namespaced_secret
        made = _ask(
            *("patch the Secret", patch, name, namespace, body),
            _content_type=MERGE_PATCH,
        )
        return _version(made)

    def annotate_pods(
        self, kind: str, namespace: str, name: str, annotations: dict[str, str]
    ) -> None:
        """Annotate the pods of a workload: another value than before restarts them."""
        patch = getattr(self._apps, f"patch_namespaced_{WORKLOADS[kind]}")
        body = {"spec": {"template": {"metadata": {"annotations": annotations}}}}
        _ask(
            *(f"patch {kind} {name}", patch, name, namespace, body),
            _content_type=MERGE_PATCH,
        )

    def lease(self, namespace: str, name: str) -> dict[str, Any]:
        """Return a Lease; NotThereError where there is none."""
        return _ask(
            "get the Lease", self._leases.read_namespaced_lease, name, namespace
        )

    def create_lease(self, namespace: str, body: dict[str, Any]) -> None:
        """Make a Lease; ConflictError where there is one."""
        _ask("create the Lease", self._leases.create_namespaced_lease, namespace, body)

    def replace_lease(self, namespace: str, name: str, body: dict[str, Any]) -> None:
        """Change a Lease; ConflictError if it is not as the body's version says."""
        replace = self._leases.replace_namespaced_lease
        _ask("update the Lease", replace, name, namespace, body)

    def namespaces(self, selector: str) -> list[str]:
        """Return the namespaces with these labels, without those that are ending."""
        found, _ = self.listed(namespaces_with(selector))
        return sorted(each["name"] for each in found if not is_ending(each))

    def listed(self, query: Query) -> tuple[list[dict[str, Any]], str]:
        """Return the metadata of all, and the version from which to watch them."""
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
            # An empty list of these is null.
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
        """Return what happens after a version, as it happens: its type, and metadata.

        The server is asked at once. GoneError where it knows no more of that version;
        the iterator ends when the server ends it, and raises what breaks it.
        """
        action = f"watch {query.said}"
        with told(action):
            stream = self._lister(query)(
                watch=True,
                allow_watch_bookmarks=True,
                resource_version=version,
                timeout_seconds=random.randint(*_WATCH_S),  # noqa: S311 - to spread
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
    """Return the answer to a call as plain JSON; the client's types cost much time."""
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
