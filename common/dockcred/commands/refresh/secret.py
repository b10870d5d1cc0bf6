"""A Secret in one namespace.

What is in it is told by its annotations. A patch names the version that it is meant
for, so that of two refreshers the second sees what the first has written. Where a label
chooses the namespaces, the annotations of all are listed at once, and a Secret is
written without being read.
"""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

from dockcred.clients.kubernetes.render import EXPIRES_AT
from dockcred.commands.console import moment
from dockcred.commands.refresh import target as records
from dockcred.commands.refresh.answers import ConflictError, NotThereError
from dockcred.commands.refresh.cluster import Cluster
from dockcred.commands.refresh.crowd import SkippedError
from dockcred.commands.refresh.target import RenderingRecord
from dockcred.errors import InvalidInputError

ISSUED_AT = "dockcred/issued-at"
MADE_FOR = "dockcred/made-for"
RESTARTED = "refresh.dockcred/"
"""With a Secret's name behind it: of which issue the pods are."""

_MORE_ATTEMPTS = 4


class SecretDescription(Protocol):
    """What the Secrets of one destination have in common, as that has it."""

    @property
    def name(self) -> str:
        """Return the name of each."""

    @property
    def key(self) -> str:
        """Return the key of the content; "" where that is a Secret itself."""

    @property
    def namespaces(self) -> tuple[str, ...]:
        """Return the namespaces that are named, and not chosen by label."""

    @property
    def rollout(self) -> tuple[tuple[str, str], ...]:
        """Return the kind and the name of the workloads that read it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A version of a Secret, and what its annotations said."""

    version: str
    record: RenderingRecord

    @classmethod
    def of(cls, metadata: dict[str, Any]) -> Self:
        """Read it from an object's metadata."""
        return cls(metadata["resourceVersion"], _record(metadata))


@dataclass(frozen=True)
class Secret:
    """The one in a namespace.

    `known` is what is known of all of them, by namespace; None where each is asked for.
    """

    which: SecretDescription
    cluster: Cluster
    namespace: str
    known: dict[str, Seen] | None = field(default=None, repr=False, compare=False)

    @property
    def name(self) -> str:
        """Return it as messages do."""
        return f"{self.namespace}/{self.which.name}"

    @property
    def is_missing(self) -> bool:
        """Return whether it is known, without asking, that it is not there."""
        return self.known is not None and self.namespace not in self.known

    def look(self) -> RenderingRecord | None:
        """Return what its annotations say; None where it is not there."""
        if self.known is not None:
            seen = self.known.get(self.namespace)
            return seen.record if seen else None
        found = self._find()
        return None if found is None else _record(found["metadata"])

    def deliver(self, content: bytes, record: RenderingRecord) -> RenderingRecord:
        """Make or patch it, unless what is there ends later."""
        wanted = self._wanted(content, record)
        try:
            if there := self._put_unread(wanted, record):
                return there
            for _ in range(_MORE_ATTEMPTS):
                with suppress(ConflictError):
                    return self._put(wanted, record)
            return self._put(wanted, record)
        except NotThereError as error:
            if self.namespace in self.which.namespaces:
                raise
            # Chosen by label, and deleted by now: it is forgotten.
            raise SkippedError(error.cause) from None

    def _put_unread(
        self, wanted: dict[str, Any], record: RenderingRecord
    ) -> RenderingRecord | None:
        """Write it over what is known to be there; None if it must be read first."""
        if self.known is None or record.expires_at is None:
            return None
        seen = self.known.get(self.namespace)
        if seen is None:
            with suppress(ConflictError):
                return self._wrote(
                    self.cluster.create_secret(self.namespace, wanted), record
                )
            return None
        there = seen.record
        if not there.made_for or there.expires_at == record.expires_at:
            return None
        if record.is_older_than(there):
            return there
        # Its type is the server's to compare: it lets nobody change that.
        body = _change(seen.version, wanted) | {"type": wanted["type"]}
        with suppress(ConflictError, InvalidInputError, NotThereError):
            return self._wrote(self._patch(body), record)
        return None

    def _wrote(self, version: str, record: RenderingRecord) -> RenderingRecord:
        if self.known is not None:
            self.known[self.namespace] = Seen(version, record)
        return record

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
        if found is None:
            version = self.cluster.create_secret(self.namespace, wanted)
            return self._wrote(version, record)
        metadata = found["metadata"]
        there, seen = _record(metadata), self._learn(Seen.of(metadata))
        if record.is_older_than(there) or _holds(found, wanted, record):
            return there
        if self.known is not None and seen != there and _is_of_ours(there, record):
            return there  # Another refresher has come before us.
        return self._wrote(self._write(found, wanted), record)

    def _learn(self, now: Seen) -> RenderingRecord | None:
        """Remember what was read; return what was known before."""
        if self.known is None:
            return None
        before = self.known.get(self.namespace)
        self.known[self.namespace] = now
        return before.record if before else None

    def _find(self) -> dict[str, Any] | None:
        try:
            return self.cluster.secret(self.namespace, self.which.name)
        except NotThereError:
            return None

    def _write(self, found: dict[str, Any], wanted: dict[str, Any]) -> str:
        if found.get("type") != wanted["type"]:
            raise InvalidInputError(
                f"{self.name} is a Secret of type {found.get('type')}, which stays",
                f"delete it, or name another: it would be {wanted['type']}",
            )
        return self._patch(_change(found["metadata"]["resourceVersion"], wanted))

    def _patch(self, body: dict[str, Any]) -> str:
        return self.cluster.patch_secret(self.namespace, self.which.name, body)

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


def _change(version: str, wanted: dict[str, Any]) -> dict[str, Any]:
    """Return a merge patch for a version; None takes away what another issue had."""
    annotations = {EXPIRES_AT: None, **wanted["metadata"]["annotations"]}
    metadata = {"resourceVersion": version, "annotations": annotations}
    return {"metadata": metadata, "data": wanted["data"]}


def _record(metadata: dict[str, Any]) -> RenderingRecord:
    annotations = metadata.get("annotations") or {}
    return RenderingRecord(
        annotations.get(MADE_FOR, ""),
        records.seconds(annotations.get(ISSUED_AT, "")) or 0,
        records.seconds(annotations.get(EXPIRES_AT, "")),
    )


def _holds(
    found: dict[str, Any], wanted: dict[str, Any], record: RenderingRecord
) -> bool:
    """Return whether the very content is there already, with its end."""
    there = _record(found["metadata"])
    if there.expires_at != record.expires_at:
        return False
    data = found.get("data") or {}
    return there.made_for == record.made_for and all(
        data.get(key) == value for key, value in wanted["data"].items()
    )


def _is_of_ours(there: RenderingRecord, record: RenderingRecord) -> bool:
    return there.made_for == record.made_for and there.expires_at is not None
