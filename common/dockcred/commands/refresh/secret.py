"""A Secret in one namespace, in some, or in all that carry a label.

What is in it is told by its annotations. A patch names the version that it is meant
for, so that of two refreshers the second sees what the first has written.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from dockcred.clients.kubernetes.render import EXPIRES_AT
from dockcred.commands.console import moment
from dockcred.commands.refresh import target as records
from dockcred.commands.refresh.cluster import Cluster, ConflictError, NotThereError
from dockcred.commands.refresh.target import RenderingRecord
from dockcred.errors import InvalidInputError

ISSUED_AT = "dockcred/issued-at"
MADE_FOR = "dockcred/made-for"
RESTARTED = "refresh.dockcred/"
"""With a Secret's name behind it: of which issue the pods are."""

_MORE_ATTEMPTS = 4


@dataclass(frozen=True)
class SecretsDestination:
    """The Secrets of one name.

    `key` is the one that the content stands under, "" where the content is a Secret
    itself. `selector` chooses namespaces by label, besides those that are named.
    `rollout` are workloads of the same namespace, (kind, name), that restart after
    each change.
    """

    name: str
    key: str = ""
    namespaces: tuple[str, ...] = ()
    selector: str = ""
    rollout: tuple[tuple[str, str], ...] = ()

    @property
    def grows(self) -> bool:
        """Return whether new namespaces may come by themselves."""
        return bool(self.selector)

    def overlaps(self, other: object) -> bool:
        """Return if both have this name in one namespace, or may have by a label."""
        if not isinstance(other, SecretsDestination) or other.name != self.name:
            return False
        together = set(self.namespaces) & set(other.namespaces)
        return bool(self.selector or other.selector or together)

    def places(self) -> Sequence[Secret]:
        """Return the Secret of each namespace, as they are now."""
        cluster = Cluster()
        found = set(self.namespaces)
        if self.selector:
            found.update(cluster.namespaces(self.selector))
        return [Secret(self, cluster, namespace) for namespace in sorted(found)]


@dataclass(frozen=True)
class Secret:
    """The one in a namespace."""

    which: SecretsDestination
    cluster: Cluster
    namespace: str

    @property
    def name(self) -> str:
        """Return it as messages do."""
        return f"{self.namespace}/{self.which.name}"

    def look(self) -> RenderingRecord | None:
        """Return what its annotations say; None where it is not there."""
        found = self._find()
        return None if found is None else _record(found)

    def deliver(self, content: bytes, record: RenderingRecord) -> RenderingRecord:
        """Make or patch it, unless what is there ends later."""
        wanted = self._wanted(content, record)
        for _ in range(_MORE_ATTEMPTS):
            with suppress(ConflictError):
                return self._put(wanted, record)
        return self._put(wanted, record)

    def settle(self, there: RenderingRecord) -> None:
        """Restart what reads it, unless it runs with this issue already."""
        issue = moment(there.issued_at)
        for kind, name in self.which.rollout:
            self.cluster.annotate_pods(
                kind, self.namespace, name, {RESTARTED + self.which.name: issue}
            )

    def _put(self, wanted: dict[str, Any], record: RenderingRecord) -> RenderingRecord:
        """Write it over what is there now, unless that has changed by then."""
        found = self._find()
        there = None if found is None else _record(found)
        if there and (record.is_older_than(there) or _holds(found, wanted, record)):
            return there
        self._write(found, wanted)
        return record

    def _find(self) -> dict[str, Any] | None:
        try:
            return self.cluster.secret(self.namespace, self.which.name)
        except NotThereError:
            return None

    def _write(self, found: dict[str, Any] | None, wanted: dict[str, Any]) -> None:
        if found is None:
            self.cluster.create_secret(self.namespace, wanted)
            return
        if found.get("type") != wanted["type"]:
            raise InvalidInputError(
                f"{self.name} is a Secret of type {found.get('type')}, which stays",
                f"delete it, or name another: it would be {wanted['type']}",
            )
        # In a merge patch, None takes away what another issue had.
        metadata = {
            "resourceVersion": found["metadata"]["resourceVersion"],
            "annotations": {EXPIRES_AT: None, **wanted["metadata"]["annotations"]},
        }
        self.cluster.patch_secret(
            self.namespace,
            self.which.name,
            {"metadata": metadata, "data": wanted["data"]},
        )

    def _wanted(self, content: bytes, record: RenderingRecord) -> dict[str, Any]:
        if self.which.key:
            encoded = base64.b64encode(content).decode("ascii")
            body = {"type": "Opaque", "data": {self.which.key: encoded}}
        else:
            rendered = json.loads(content)
            body = {name: rendered[name] for name in ("type", "data")}
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": self.which.name, "annotations": _annotations(record)},
            **body,
        }


def _annotations(record: RenderingRecord) -> dict[str, str]:
    annotations = {
        MADE_FOR: record.made_for,
        ISSUED_AT: moment(record.issued_at),
    }
    if record.expires_at is not None:
        annotations[EXPIRES_AT] = moment(record.expires_at)
    return annotations


def _record(found: dict[str, Any]) -> RenderingRecord:
    annotations = found["metadata"].get("annotations") or {}
    return RenderingRecord(
        annotations.get(MADE_FOR, ""),
        records.seconds(annotations.get(ISSUED_AT, "")) or 0,
        records.seconds(annotations.get(EXPIRES_AT, "")),
    )


def _holds(
    found: dict[str, Any] | None, wanted: dict[str, Any], record: RenderingRecord
) -> bool:
    """Return whether the very content is there already, with its end."""
    if found is None or _record(found).expires_at != record.expires_at:
        return False
    data = found.get("data") or {}
    return _record(found).made_for == record.made_for and all(
        data.get(key) == value for key, value in wanted["data"].items()
    )
