"""Kubernetes: render and check pull secrets, and read them as kubelet does.

Only `commands.refresh` asks the API server. kubelet decodes JSON with Go: names may be
in any case, and the last of equal names counts. One entry that it cannot decode makes
it give up (kubernetes, pkg/credentialprovider and its secrets).
"""

from __future__ import annotations

import base64
import re
from urllib.parse import unquote

from dockcred.clients import findings, go_json
from dockcred.clients.entries import TOKEN, Auth, Fault
from dockcred.clients.go_json import TEXT, Map
from dockcred.clients.reference import HUB, HUB_INDEX, HUB_NAMES
from dockcred.errors import InvalidInputError

JSON_KEY, JSON_TYPE = ".dockerconfigjson", "kubernetes.io/dockerconfigjson"
OLD_KEY, OLD_TYPE = ".dockercfg", "kubernetes.io/dockercfg"
"""The key and type of the old form, which has only the content of `auths`."""

KEYS = {JSON_TYPE: JSON_KEY, OLD_TYPE: OLD_KEY}
"""The Secret types that kubelet reads, each with the only key that it reads."""

_FIELDS = ("username", "password", "email", "auth")
_AUTHS = Map(dict.fromkeys(_FIELDS, TEXT))
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_LONE = 1  # one last character of base64 alone is not a whole byte


class SecretEntry:
    """What kubelet reads from an entry; a repr shows no secret.

    `names` are the entry's other fields, in lower case.
    """

    __slots__ = ("auth", "key", "names")

    def __init__(self, key: str, auth: Auth, names: frozenset[str]) -> None:
        self.key = key
        self.auth = auth
        self.names = names

    def __repr__(self) -> str:
        """Show the key and the user."""
        return f"SecretEntry({self.key!r}, {self.auth!r})"


def read(data: bytes, *, old: bool = False) -> tuple[list[SecretEntry], frozenset[str]]:
    """Return the entries, and the names beside `auths` in lower case.

    Raises InvalidInputError if kubelet cannot read the file at all. An `auth` that
    kubelet cannot decode becomes a fault of its entry.
    """
    form = _AUTHS if old else {"auths": _AUTHS, "HttpHeaders": Map(TEXT)}
    try:
        found = go_json.decode(data, form, whole=True)
    except go_json.BrokenJSONError as broken:
        raise findings.refusal(broken) from None
    for where, wanted in found.wrong:
        raise _broken(f"{findings.place(where) or 'it'} is no {wanted}")
    beside: dict[go_json.Place, set[str]] = {}
    for where, value in found.unknown.items():
        if value:
            beside.setdefault(where[:-1], set()).add(go_json.folded(where[-1]))
    auths = found.value if old else found.value.get("auths") or {}
    above = () if old else ("auths",)
    return [
        SecretEntry(
            key,
            _auth({name: entry.get(name) or "" for name in _FIELDS}),
            frozenset(beside.get((*above, key), ())),
        )
        for key, entry in auths.items()
    ], frozenset(() if old else beside.get((), ()))


def _auth(fields: dict[str, str]) -> Auth:
    """Return user and password as kubelet reads them; `auth` wins over both fields."""
    username, password = fields["username"], fields["password"]
    fault = None
    if text := fields["auth"]:
        held = text.replace("\r", "").replace("\n", "")
        # kubelet decodes with padding if the text ends in "=", else without.
        is_padded = text.strip().endswith("=")
        if not _BASE64.fullmatch(held) or len(held) % 4 == _LONE:
            return Auth(fault=Fault.NOT_BASE64)
        if is_padded and len(held) % 4:
            return Auth(fault=Fault.NOT_BASE64)
        if not is_padded and len(held) % 4:
            fault = Fault.UNPADDED
        plain = base64.b64decode(held + "=" * (-len(held) % 4))
        user, colon, secret = plain.partition(b":")
        if not colon:
            return Auth(fault=Fault.NO_COLON)
        username, password = (
            user.decode(errors="replace"),
            secret.decode(errors="replace"),
        )
        if b"\xef\xbf\xbd" not in plain and "\ufffd" in username + password:
            fault = Fault.NOT_TEXT
    if not username and not password:
        return Auth(fault=Fault.EMPTY)
    if username == TOKEN:
        fault = Fault.TOKEN
    if password.endswith(("\n", "\r")):
        fault = Fault.NEWLINE
    return Auth(username, password, fault)


def _broken(cause: str) -> InvalidInputError:
    return InvalidInputError(cause, "fix it first")


_CONTROL = re.compile(r"[\x00-\x20\x7f]")
_HOST = re.compile(r"[A-Za-z0-9!$&'()*+,;=\[\]<>\"._~-]*(:[0-9]*)?|[^\x00-\x7f]+")
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def place(key: str) -> tuple[str, str] | None:
    """Return the host and the path that a key means; None if it is not a URL."""
    has_scheme = key.startswith(("https://", "http://"))
    rest = key.partition("://")[2] if has_scheme else key
    rest = rest.partition("#")[0].partition("?")[0]
    authority, slash, path = rest.partition("/")
    host = authority.rpartition("@")[2]
    if (
        _CONTROL.search(key.replace(" ", ""))
        or " " in authority
        or not _HOST.fullmatch(host)
        or _ESCAPE.search(path)
    ):
        return None
    path = slash + unquote(path)
    if path.startswith(("/v1/", "/v2/")):
        path = path[3:]
    return host, "" if path == "/" else path


def never(host: str, path: str) -> str:
    """Return a remedy for a key that matches no image, or "" if it can match."""
    if host in HUB_NAMES - {HUB, HUB_INDEX}:
        return f"write {HUB}, by which kubelet knows Docker Hub"
    if not host or path.startswith("//"):
        return "write HOST[:PORT][/NAMESPACE]"
    if host == HUB_INDEX and path:
        return f"write {HUB}{path}"
    if host != host.lower():
        return f"write {host.lower()}, as images do"
    if path in {"/v1", "/v2"}:
        return f"write {host}"
    if set(path) & {":", "@"}:
        return "leave out the tag: kubelet looks images up by their names"
    return ""
