"""A Secret in one namespace.

Its annotations hold the record of its content. A patch names the version that it
changes, so the second of two refreshers sees what the first has written. Where a label
chooses the namespaces, the annotations of all Secrets are listed at once. A Secret is
then written without being read.
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
"""Prefix of a pod annotation, before a Secret's name.

Its value is the time of issue of the credential that the pods run with.
"""

_MORE_ATTEMPTS = 4


class SecretDescription(Protocol):
    """What all Secrets of one destination share: an interface to SecretsDestination."""

    @property
    def name(self) -> str:
        """Return the name of each Secret."""

    @property
    def key(self) -> str:
        """Return the key of the content; "" if the rendering is a whole Secret."""

    @property
    def namespaces(self) -> tuple[str, ...]:
        """Return the namespaces that are chosen by name, not by label."""

    @property
    def rollout(self) -> tuple[tuple[str, str], ...]:
        """Return the kind and the name of each workload that reads the Secret."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A version of a Secret, and the record in its annotations."""

    version: str
    record: RenderingRecord

    @classmethod
    def of(cls, metadata: dict[str, Any]) -> Self:
        """Read both from an object's metadata."""
        return cls(metadata["resourceVersion"], _record(metadata))


@dataclass(frozen=True)
class Secret:
    """The Secret of one namespace, as a place.

    `known` has what is known of each namespace's Secret, by namespace. It is None if
    each Secret must be requested.
    """

    which: SecretDescription
    cluster: Cluster
    namespace: str
    known: dict[str, Seen] | None = field(default=None, repr=False, compare=False)

    @property
    def name(self) -> str:
        """Return NAMESPACE/NAME for messages."""
        return f"{self.namespace}/{self.which.name}"

    @property
    def is_missing(self) -> bool:
        """Return whether `known` says, without a request, that it is not there."""
        return self.known is not None and self.namespace not in self.known

    def look(self) -> RenderingRecord | None:
        """Return the record in the Secret's annotations; None if there is no Secret."""
        if self.known is not None:
            seen = self.known.get(self.namespace)
            return seen.record if seen else None
        found = self._find()
        return None if found is None else _record(found["metadata"])

    def deliver(self, content: bytes, record: RenderingRecord) -> RenderingRecord:
        """Create or patch the Secret, unless its content expires later."""
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
            # A namespace chosen by label that is deleted by now is no problem.
            raise SkippedError(error.cause) from None

    def _put_unread(
        self, wanted: dict[str, Any], record: RenderingRecord
    ) -> RenderingRecord | None:
        """Write over the known version; return None if it must be read first."""
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
        # The server rejects a patch with another type, so we need not compare it.
        body = _change(seen.version, wanted) | {"type": wanted["type"]}
        with suppress(ConflictError, InvalidInputError, NotThereError):
            return self._wrote(self._patch(body), record)
        return None

    def _wrote(self, version: str, record: RenderingRecord) -> RenderingRecord:
        if self.known is not None:
            self.known[self.namespace] = Seen(version, record)
        return record

    def settle(self, there: RenderingRecord) -> None:
        """Restart the workloads that read the Secret, unless they have this issue."""
        issue = moment(there.issued_at)
        for kind, name in self.which.rollout:
            self.cluster.annotate_pods(
                kind, self.namespace, name, {RESTARTED + self.which.name: issue}
            )

    def _put(self, wanted: dict[str, Any], record: RenderingRecord) -> RenderingRecord:
        """Read the Secret, then write over that version."""
        found = self._find()
        if found is None:
            version = self.cluster.create_secret(self.namespace, wanted)
            return self._wrote(version, record)
        metadata = found["metadata"]
        there, seen = _record(metadata), self._learn(Seen.of(metadata))
        if record.is_older_than(there) or _holds(found, wanted, record):
            return there
        if self.known is not None and seen != there and _is_of_ours(there, record):
            return there  # Another refresher was faster.
        return self._wrote(self._write(found, wanted), record)

    def _learn(self, now: Seen) -> RenderingRecord | None:
        """Remember the version that was read; return the record known before."""
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
    """Return a merge patch for a version; None removes the previous EXPIRES_AT."""
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
    """Return whether the Secret has this very content and expiry already."""
    there = _record(found["metadata"])
    if there.expires_at != record.expires_at:
        return False
    data = found.get("data") or {}
    return there.made_for == record.made_for and all(
        data.get(key) == value for key, value in wanted["data"].items()
    )


def _is_of_ours(there: RenderingRecord, record: RenderingRecord) -> bool:
    return there.made_for == record.made_for and there.expires_at is not None
