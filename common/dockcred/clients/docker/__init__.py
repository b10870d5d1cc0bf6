"""docker: read, edit and check config.json by docker's own rules.

Most other clients that read this file have their own modules. This module has what the
whole package uses: the host that docker derives from a key of `auths`.
"""

from __future__ import annotations

import re

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_USER = re.compile(r"[\w.~!$&'()*+,;=%:@-]*", re.ASCII)
_BAD_HOST = re.compile(r"[\s\\^`{|}?/@#\x80-\x9f]|%(?!25|[89A-Fa-f])", re.ASCII)
_PORT = re.compile(r"(?::[0-9]*)?")


def hostname(key: str) -> str:
    """Return the host that docker derives from a key of `auths`.

    docker parses a key with a scheme by Go's net/url. If that fails, or there is no
    scheme, it cuts the key at the first slash.
    """
    if "://" in key:
        try:
            host, port = _split_port(_authority(key))
        except ValueError:
            host, port = "", ""
        if host and port:
            return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        if host:
            return host
    return key.partition("/")[0]


def _authority(url: str) -> str:
    """Return host and port of a URL; raise ValueError if Go refuses it."""
    if _CONTROL.search(url) or url.startswith(":"):
        raise ValueError(url)
    before, _, fragment = url.partition("#")
    scheme = _SCHEME.match(before)
    rest = (before[scheme.end() :] if scheme else before).partition("?")[0]
    if not scheme and ":" in rest.partition("/")[0]:
        raise ValueError(url)
    authority, path = "", rest
    if rest.startswith("//") and (scheme or not rest.startswith("///")):
        authority, slash, path = rest[2:].partition("/")
        path = slash + path
    elif scheme and not rest.startswith("/"):
        path = ""
    user, _, host = authority.rpartition("@")
    escaped = (user, path, fragment)
    if not _USER.fullmatch(user) or any(map(_BAD_ESCAPE.search, escaped)):
        raise ValueError(url)
    return _checked(host, scheme[1].lower() if scheme else "")


def _checked(host: str, scheme: str) -> str:
    """Return host and port without escapes; raise ValueError if Go refuses them."""
    from urllib.parse import unquote  # noqa: PLC0415 - for keys with a scheme alone

    bracket = host.rfind("[")
    if bracket == 0:
        name, closed, port = host[1:].rpartition("]")
        name = unquote(name, errors="surrogateescape")
        if not closed or not _PORT.fullmatch(port) or not _is_ipv6(name):
            raise ValueError(host)
        return f"[{name}]{port}"
    name, colon, port = host.rpartition(":") if ":" in host else (host, "", "")
    is_web = scheme in {"http", "https"}
    if bracket > 0 or not _PORT.fullmatch(colon + port) or (is_web and ":" in name):
        raise ValueError(host)
    if _BAD_HOST.search(host) or _BAD_ESCAPE.search(host):
        raise ValueError(host)
    return unquote(host, errors="surrogateescape")


def _is_ipv6(name: str) -> bool:
    from ipaddress import IPv6Address  # noqa: PLC0415 - for such keys alone

    try:
        return bool(IPv6Address(name).packed)
    except ValueError:
        return False


def _split_port(authority: str) -> tuple[str, str]:
    host, colon, port = authority.rpartition(":")
    if not colon or not _PORT.fullmatch(colon + port):
        host, port = authority, ""
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    return host, port
