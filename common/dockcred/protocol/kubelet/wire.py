"""Parse kubelet's request strictly, and write the response."""

from __future__ import annotations

import json

from dockcred.errors import InvalidInputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, NoReturn

    from dockcred.credential import Credential

_MARGIN_S = 1800
_MARGIN_SHARE = 6


def go_duration(seconds: float) -> str:
    """Return whole seconds, rounded down, as Go's Duration.String; never below 0s."""
    minutes, second = divmod(max(0, int(seconds)), 60)
    hours, minute = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minute}m{second}s"
    return f"{minute}m{second}s" if minute else f"{second}s"


def cache_duration(expires_at: float | None, now: float) -> str | None:
    """Return how long kubelet may keep a credential, both times in epoch seconds.

    That is the remaining life less half an hour, or less a sixth if that is shorter:
    a pull that begins with the credential must be able to end with it. None if it has
    no expiry: then the node's defaultCacheDuration applies.
    """
    if expires_at is None:
        return None
    remaining = expires_at - now
    return go_duration(remaining - min(_MARGIN_S, remaining / _MARGIN_SHARE))


GROUP = "credentialprovider.kubelet.k8s.io"
REQUEST_KIND = "CredentialProviderRequest"
MAX_BYTES = 1024 * 1024
"""Enough for a token and annotations: Kubernetes limits those to 256 KiB an object."""

_FIELDS = frozenset({"kind", "apiVersion", "image"})
_ACCOUNT_FIELDS = frozenset({"serviceAccountToken", "serviceAccountAnnotations"})
_VERSIONS = {
    f"{GROUP}/v1": _FIELDS | _ACCOUNT_FIELDS,
    f"{GROUP}/v1beta1": _FIELDS,
    f"{GROUP}/v1alpha1": _FIELDS,
}


class Request:
    """A request for one image, in one API version; a repr does not show the token."""

    __slots__ = ("annotations", "api_version", "image", "token")

    def __init__(
        self, api_version: str, image: str, token: str, annotations: dict[str, str]
    ) -> None:
        self.api_version = api_version
        self.image = image
        self.token = token
        self.annotations = annotations

    def __repr__(self) -> str:
        """Show the API version and the image, not the token."""
        return f"Request({self.api_version!r}, {self.image!r})"


def parse(text: bytes) -> Request:
    """Parse a request; raise InvalidInputError, which never quotes a value."""
    fields = _object(text)
    if fields.get("kind") != REQUEST_KIND:
        raise _refused(f"its kind is not {REQUEST_KIND}")
    version = fields.get("apiVersion")
    if not isinstance(version, str) or version not in _VERSIONS:
        raise _refused(f"its apiVersion is none of {', '.join(_VERSIONS)}")
    if unknown := sorted(fields.keys() - _VERSIONS[version]):
        raise _refused(f"{version} has no field {unknown[0]!a:.60}")
    return Request(
        version,
        _text(fields, "image"),
        _text(fields, "serviceAccountToken"),
        _texts(fields, "serviceAccountAnnotations"),
    )


def _object(text: bytes) -> dict[str, Any]:
    if len(text) > MAX_BYTES:
        raise _refused("it is longer than 1 MiB")
    try:
        value = json.loads(
            text.decode("utf-8"),
            object_pairs_hook=_without_duplicates,
            parse_constant=_no_constant,
        )
    except (ValueError, RecursionError):
        raise _refused("it is not one JSON value") from None
    if not isinstance(value, dict):
        raise _refused("it is not a JSON object")
    return value


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _refused("a field stands in it twice")
    return found


def _no_constant(name: str) -> NoReturn:
    """Refuse NaN and Infinity, which are Python's and not JSON's."""
    raise ValueError(name)


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _refused(f"{name} is not a string")
    return value


def _texts(fields: dict[str, Any], name: str) -> dict[str, str]:
    value = fields.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(
        isinstance(text, str) for text in value.values()
    ):
        raise _refused(f"{name} is not an object of strings")
    return value


def _refused(reason: str) -> InvalidInputError:
    return InvalidInputError(
        f"the credential provider request is refused: {reason}",
        "see that kubelet sends it, and that dockcred knows this kubelet's version",
    )


RESPONSE_KIND = "CredentialProviderResponse"
REGISTRY = "Registry"
IMAGE = "Image"
NOT_CACHED = "0s"


def encode(
    api_version: str,
    cache_key: str,
    cache_duration: str | None,
    auth: Mapping[str, Credential],
) -> bytes:
    """Return the response in the request's API version, as Go's encoder writes it.

    `cache_key` is REGISTRY or IMAGE; a duration of None leaves the field out.
    """
    fields: dict[str, object] = {
        "kind": RESPONSE_KIND,
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
    """Return a response without a credential; kubelet does not cache it."""
    return encode(api_version, REGISTRY, NOT_CACHED, {})


def _as_go(text: str) -> str:
    """Escape what encoding/json escapes for HTML and JavaScript."""
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
