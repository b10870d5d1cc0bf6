"""CredentialProviderResponse: kubelet drops one with a field too many, whole."""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from dockcred.credential import Credential

KIND = "CredentialProviderResponse"
REGISTRY = "Registry"
IMAGE = "Image"
NOT_CACHED = "0s"


def encode(
    api_version: str,
    cache_key: str,
    cache_duration: str | None,
    auth: Mapping[str, Credential],
) -> bytes:
    """Write the response in the request's version, as Go's encoder would.

    `cache_key` is REGISTRY or IMAGE; a duration of None leaves the field out.
    """
    fields: dict[str, object] = {
        "kind": KIND,
        "apiVersion": api_version,
        "cacheKeyType": cache_key,
    }
    if cache_duration is not None:
        fields["cacheDuration"] = cache_duration
    fields["auth"] = {
        pattern: {"username": credential.username, "password": credential.secret}
        for pattern, credential in sorted(auth.items())
    }
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return _as_go(text).encode("utf-8", "replace") + b"\n"


def nothing(api_version: str) -> bytes:
    """Say that we have no credential, and that kubelet shall ask again."""
    return encode(api_version, REGISTRY, NOT_CACHED, {})


def _as_go(text: str) -> str:
    """Escape what encoding/json escapes for HTML and JavaScript."""
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
