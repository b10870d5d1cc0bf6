"""A Secret of type kubernetes.io/dockerconfigjson, for imagePullSecrets.

Its payload is what `kubectl create secret docker-registry` writes. kubelet reads user
and password from it: identity tokens and helpers it passes over. The annotation
dockcred/expires-at says when the first credential ends.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from dockcred.rendering import entries, kubernetes
from dockcred.rendering.login import Login, earliest_end
from dockcred.rendering.options import Options

FILE = "secret.json"
TAKES = ("name", "namespaces")
READERS: tuple[str, ...] = ()
KEY = ".dockerconfigjson"
TYPE = "kubernetes.io/dockerconfigjson"
NAME = "dockcred"


def render(logins: Sequence[Login], options: Options) -> bytes:
    """Write one Secret for each namespace."""
    return kubernetes.secrets(
        options.name or NAME,
        options.namespaces,
        TYPE,
        (KEY, payload(logins)),
        earliest_end(logins),
    )


def payload(logins: Sequence[Login]) -> bytes:
    """Write the file inside; kubelet knows namespaces of a registry too."""
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
    # kubelet finds Docker Hub's namespaces under the name that images have.
    return f"{reference.containers_key}/{login.namespace}"
