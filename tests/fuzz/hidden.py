"""Say whether an input has the secret as a value, so that no output may show it.

If the secret is a name, occurs twice or is cut off, an output may show it.
"""

from __future__ import annotations

import json
import re

from fuzz.targets import CODED, SECRET

_NAMES = re.compile(
    r"secret|password|token|auth|key_content|pass_phrase|private_key", re.IGNORECASE
)
_AUTH = re.compile(rf'"auth"[ \t]*[=:][ \t]*"{CODED}"', re.IGNORECASE)
_LINE = re.compile(
    rf"^[ \t]*([\w.]*)[ \t]*[=:][ \t]*\S*{SECRET}[ \t]*\r?$", re.MULTILINE
)


def always(data: bytes) -> bool:
    """Return true: the whole input is a secret."""
    return True


def as_auth(data: bytes) -> bool:
    """Return whether the secret occurs once, as the value of an `auth`."""
    text = data.decode("utf-8", "replace")
    return text.count(CODED) == len(_AUTH.findall(text)) == 1 and SECRET not in text


def in_authorization(data: bytes) -> bool:
    """Return whether the secret is in the header after the query, and only there."""
    query, _, header = data.partition(b"\n")
    return CODED.encode() in header and not any(
        word.encode() in query for word in (CODED, SECRET)
    )


def in_json(data: bytes) -> bool:
    """Return whether the secret is the value of a member with a name as in _NAMES."""
    if data.count(SECRET.encode()) != 1:
        return False
    try:
        return _holds(json.loads(data), is_secret=False)
    except (ValueError, RecursionError):
        return False


def _holds(value: object, *, is_secret: bool) -> bool:
    if isinstance(value, dict):
        return any(
            _holds(each, is_secret=bool(_NAMES.search(name)))
            for name, each in value.items()
        )
    if isinstance(value, list):
        return any(_holds(each, is_secret=is_secret) for each in value)
    return is_secret and isinstance(value, str) and SECRET in value


def in_ini(data: bytes) -> bool:
    """Return whether the secret is the value of a line with a name as in _NAMES."""
    text = data.decode("utf-8", "replace")
    found = _LINE.findall(text)
    return text.count(SECRET) == 1 and bool(found and _NAMES.search(found[0]))
