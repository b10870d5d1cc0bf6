"""The sandbox's own endpoints, for registries and for people.

GET /registry-auth  200 if the password (Basic Authorization) was issued here for
                    the registry named in X-Registry-Host, else 401; made for
                    nginx's auth_request in front of a registry
GET /counts         the calls so far, as JSON
"""

from __future__ import annotations

import base64
import binascii
import json
from collections import Counter
from collections.abc import Callable

from dockcred.testing.sandbox.messages import Request, Response

Admits = Callable[[str, str, str], bool]


def answer(request: Request, calls: Counter[str], admits: Admits) -> Response | None:
    """Return the answer, or None if the request is for a cloud.

    `admits` returns whether a user name and password are valid for a registry's host.
    """
    # Decided by the path only, as a registry's nginx may send its own name as Host. No
    # cloud uses these paths over plain HTTP.
    if request.scheme == "https":
        return None
    if request.path == "/registry-auth":
        return _registry_auth(request, admits)
    if request.path == "/counts":
        body = json.dumps(calls, sort_keys=True).encode()
        return Response(200, body, {"Content-Type": "application/json"})
    return None


def _registry_auth(request: Request, admits: Admits) -> Response:
    host = request.header("x-registry-host")
    username, password = _basic(request.header("authorization"))
    if admits(username, password, host):
        return Response(200)
    realm = {"WWW-Authenticate": f'Basic realm="https://{host}/",service="{host}"'}
    return Response(401, b"Not Authorized\n", realm)


def _basic(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        decoded = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    username, _, password = decoded.partition(":")
    return username, password
