"""Secrets in a manifest: one, several, or those of a List."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from dockcred.checking import manifest, text
from dockcred.doctor.finding import Finding, error, fine, note
from dockcred.errors import InvalidInputError
from dockcred.rendering.kubernetes import EXPIRES_AT

SECRET = "secret"  # noqa: S105 - a step's name
_SOON = timedelta(minutes=10)


def secrets(data: bytes) -> Iterator[Mapping[str, Any]]:
    """Answer each Secret; raise InvalidInputError where there is none."""
    for document in manifest.read(data):
        is_list = document.get("kind") in ("List", "SecretList")
        items = document.get("items") if is_list else [document]
        if not isinstance(items, list) or not items:
            raise InvalidInputError("it is a list of no Secrets", "name one")
        for item in items:
            if text.table(item).get("kind") != "Secret":
                raise InvalidInputError("it is no Secret", "name a manifest of one")
            yield item


def name(secret: Mapping[str, Any]) -> str:
    """Name a Secret as kubectl does."""
    metadata = text.table(secret.get("metadata"))
    namespace = metadata.get("namespace")
    called = text.word(metadata.get("name"))
    return f"{text.word(namespace)}/{called}" if namespace else called


def content(secret: Mapping[str, Any], key: str) -> bytes | None:
    """Answer what stands under a key; None where nothing can be read."""
    plain = text.table(secret.get("stringData")).get(key)
    if isinstance(plain, str):
        return plain.encode()
    encoded = text.table(secret.get("data")).get(key)
    try:
        return base64.b64decode(encoded, validate=True) if encoded else None
    except (binascii.Error, ValueError, TypeError):
        return None


def check_end(secret: Mapping[str, Any]) -> Iterator[Finding]:
    """Tell of a credential that is over, or nearly so."""
    metadata = text.table(secret.get("metadata"))
    ends = text.table(metadata.get("annotations")).get(EXPIRES_AT)
    if not isinstance(ends, str):
        return
    try:
        moment = datetime.fromisoformat(ends)
        left = moment - datetime.now(UTC)
    except (ValueError, TypeError):
        yield note(SECRET, f"{EXPIRES_AT} is no time")
        return
    if left <= timedelta(0):
        yield error(
            SECRET,
            f"{name(secret)}: its credential ended at {ends}",
            "render it again, or have `dockcred refresh` renew it",
        )
    elif left < _SOON:
        yield note(SECRET, f"{name(secret)}: its credential ends soon, at {ends}")
    else:
        yield fine(SECRET, f"{name(secret)}: good until {ends}")
