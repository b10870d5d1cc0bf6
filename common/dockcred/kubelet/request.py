"""CredentialProviderRequest, decoded as strictly as kubelet decodes our answer.

k8s.io/kubelet, pkg/apis/credentialprovider: a field that is unknown to its version,
or that stands there twice, could change what is asked, so it is refused.
"""

from __future__ import annotations

import json

from dockcred.errors import InvalidInputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

GROUP = "credentialprovider.kubelet.k8s.io"
KIND = "CredentialProviderRequest"
MAX_BYTES = 1024 * 1024
"""A token, and annotations, which Kubernetes bounds to 256 KiB for one object."""

_FIELDS = frozenset({"kind", "apiVersion", "image"})
_ACCOUNT_FIELDS = frozenset({"serviceAccountToken", "serviceAccountAnnotations"})
_VERSIONS = {
    f"{GROUP}/v1": _FIELDS | _ACCOUNT_FIELDS,
    f"{GROUP}/v1beta1": _FIELDS,
    f"{GROUP}/v1alpha1": _FIELDS,
}


class Request:
    """One image, in one version; the token does not show in a repr."""

    __slots__ = ("annotations", "api_version", "image", "token")

    def __init__(
        self, api_version: str, image: str, token: str, annotations: dict[str, str]
    ) -> None:
        self.api_version = api_version
        self.image = image
        self.token = token
        self.annotations = annotations

    def __repr__(self) -> str:
        """Show what is asked, not with what."""
        return f"Request({self.api_version!r}, {self.image!r})"


def parse(text: bytes) -> Request:
    """Read a request; raise InvalidInputError, which never quotes a value."""
    fields = _object(text)
    if fields.get("kind") != KIND:
        raise _refused(f"its kind is not {KIND}")
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
