"""A text that is all ours: nothing of anybody else's stands in it."""

from __future__ import annotations

from typing import Any

from dockcred.clients.edit import ABSENT, Path

WHOLE: Path = ()


def get(text: str, _path: Path) -> Any:
    """Return the text, or ABSENT."""
    return text or ABSENT


def put(_text: str, _path: Path, value: Any) -> str:
    """Return what is to be the text."""
    return str(value)


def drop(_text: str, _path: Path) -> str:
    """Return nothing."""
    return ""


def is_blank(text: str) -> bool:
    """Return whether the text says nothing."""
    return not text
