"""Kubernetes manifests: JSON always, YAML where a library for it is installed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dockcred.checking import text
from dockcred.errors import InvalidInputError


def read(data: bytes) -> list[Mapping[str, Any]]:
    """Answer the documents of a manifest; raise InvalidInputError for what is none."""
    try:
        return [text.read_json(data)[0]]
    except InvalidInputError as broken:
        not_json = broken
    try:
        import yaml  # noqa: PLC0415 - an extra's
    except ImportError:
        raise InvalidInputError(
            not_json.cause,
            "for YAML: pip install 'dockcred[kubernetes]'; else kubectl's -o json",
        ) from None
    try:
        found = list(yaml.safe_load_all(data))
    except yaml.MarkedYAMLError as broken:
        mark = broken.problem_mark
        place = f" at line {mark.line + 1}" if mark else ""
        raise InvalidInputError(f"it is not YAML{place}", "mend it first") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise InvalidInputError(
            "it is neither JSON nor YAML", "mend it first"
        ) from None
    documents = [document for document in found if document is not None]
    if not documents or not all(isinstance(document, dict) for document in documents):
        raise InvalidInputError("it is no manifest", "mend it first")
    return documents
