"""The Secret of Contrast's node installer, and the file in it."""

from __future__ import annotations

from collections.abc import Iterator

from dockcred.checking import contrast_toml, kubernetes
from dockcred.doctor.finding import Finding, error
from dockcred.rendering.contrast_toml import FILE

READER = contrast_toml.READER


def check(data: bytes) -> Iterator[Finding]:
    """Go through each Secret."""
    for secret in kubernetes.secrets(data):
        yield from kubernetes.check_end(secret)
        text = kubernetes.content(secret, FILE)
        if text is None:
            yield error(
                kubernetes.SECRET,
                f"{kubernetes.name(secret)} has no {FILE} that can be decoded",
            )
        else:
            yield from contrast_toml.check(text)
