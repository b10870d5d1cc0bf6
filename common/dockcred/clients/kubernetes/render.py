"""Render a Secret of type kubernetes.io/dockerconfigjson, for imagePullSecrets.

Its content is what `kubectl create secret docker-registry` writes. kubelet reads only
users and passwords from it, and ignores identity tokens and helpers. The annotation
dockcred/expires-at has the first credential's expiry.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime

from dockcred.clients import entries
from dockcred.clients.entries import Login, earliest_end
from dockcred.clients.formats import Options
from dockcred.clients.kubernetes import JSON_KEY, JSON_TYPE
from dockcred.errors import InvalidInputError

EXPIRES_AT = "dockcred/expires-at"
"""The annotation with the first credential's expiry, in the form of RFC 3339."""

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_LABELS = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"  # of any length that the name allows
_NAME = re.compile(rf"{_LABELS}(\.{_LABELS})*")
_NAMESPACE = re.compile(_LABEL)
_MAX_NAME = 253
MAX_BYTES = 1024 * 1024
"""The API server's limit in bytes for all values of a Secret, before base64."""


def secrets(
    name: str,
    namespaces: Sequence[str],
    kind: str,
    data: tuple[str, bytes],
    ends: float | None,
) -> bytes:
    """Return a Secret for each namespace, or one without a namespace.

    `kind` is the Secret's type, `data` its only key with the content, `ends` the first
    expiry in seconds since the epoch. Several Secrets are in a List. Raises
    InvalidInputError for a wrong name, or if the content is too large.
    """
    check_names(name, namespaces)
    if len(data[1]) > MAX_BYTES:
        raise InvalidInputError(
            f"{len(data[1]):,} bytes are more than a Secret may hold ({MAX_BYTES:,})",
            "name fewer registries, and make several Secrets",
        )
    named = sorted(set(namespaces)) or [""]
    made = [_secret(name, namespace, kind, data, ends) for namespace in named]
    if len(made) > 1:
        return _text({"apiVersion": "v1", "kind": "List", "items": made})
    return _text(made[0])


def check_names(name: str, namespaces: Sequence[str]) -> None:
    """Raise InvalidInputError for a wrong name of a Secret or of a namespace."""
    if len(name) > _MAX_NAME or not _NAME.fullmatch(name):
        raise InvalidInputError(
            f"{name!a} is no name of a Secret",
            "use lower-case letters, digits, dots and hyphens",
        )
    for namespace in namespaces:
        if not _NAMESPACE.fullmatch(namespace):
            raise InvalidInputError(
                f"{namespace!a} is no namespace", "name one as kubectl shows it"
            )


def _secret(
    name: str, namespace: str, kind: str, data: tuple[str, bytes], ends: float | None
) -> dict[str, object]:
    metadata: dict[str, object] = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    if ends is not None:
        moment = datetime.fromtimestamp(int(ends), UTC)
        metadata["annotations"] = {EXPIRES_AT: f"{moment:%Y-%m-%dT%H:%M:%SZ}"}
    key, content = data
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "type": kind,
        "data": {key: base64.b64encode(content).decode("ascii")},
    }


def _text(document: object) -> bytes:
    return (json.dumps(document, indent=2) + "\n").encode()


FILE = "secret.json"
OPTIONS = ("name", "namespaces")
CONSUMERS: tuple[str, ...] = ()
KEY = JSON_KEY
TYPE = JSON_TYPE
NAME = "dockcred"


def render(logins: Sequence[Login], options: Options) -> bytes:
    """Return a Secret for each namespace; see `secrets`."""
    return secrets(
        options.name or NAME,
        options.namespaces,
        TYPE,
        (KEY, payload(logins)),
        earliest_end(logins),
    )


def payload(logins: Sequence[Login]) -> bytes:
    """Return the file in the Secret; a key may have a namespace, as kubelet allows."""
    entries.refuse_tokens(logins, "kubelet")
    keyed = entries.by_key((_key(login), login) for login in logins)
    found = {
        key: {
            "username": login.credential.username,
            "password": login.credential.secret,
            "auth": entries.auth(login),
        }
        for key, login in keyed.items()
    }
    return json.dumps({"auths": found}, separators=(",", ":")).encode()


def _key(login: Login) -> str:
    reference = login.reference
    if not login.namespace:
        return reference.docker_key
    # For Docker Hub's namespaces, kubelet uses the host as in image names.
    return f"{reference.containers_key}/{login.namespace}"
