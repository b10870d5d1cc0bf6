"""The key that clients send: a registry, in any of the forms of protocol.md A17."""

from __future__ import annotations

from dockcred.errors import InvalidInputError, MissingServerURLError

MAX_BYTES = 64 * 1024
_HOST_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")
_DEFAULT_PORTS = {"https": "443", "http": "80", "": "443"}
_MAX_HOST = 253
_MAX_LABEL = 63
_MAX_PORT = 65535


class ServerURL:
    """A registry's address, parsed once.

    `raw` is the trimmed request, echoed in the answer. `host` is lower-case,
    without a trailing dot; `port` is empty for the scheme's default; `path` keeps
    its leading slash. `host` is what a cloud is matched by, whole.
    """

    __slots__ = ("host", "path", "port", "raw", "scheme")

    def __init__(self, raw: str, scheme: str, host: str, port: str, path: str) -> None:
        self.raw = raw
        self.scheme = scheme
        self.host = host
        self.port = port
        self.path = path

    @classmethod
    def parse(cls, text: bytes | str) -> ServerURL:
        """Read a key as clients send it, and refuse what no client sends.

        Raises MissingServerURLError for a blank key and InvalidInputError for
        control characters, user info, backslash, percent, query, non-ASCII and
        for a host that is not one (CVE-2020-5260, CVE-2024-50338 and their kin).
        """
        raw = _decode(text)
        if not raw:
            raise MissingServerURLError
        if not raw.isascii() or not raw.isprintable():
            raise _refused("it has a character outside printable ASCII")
        for character in " @\\%?#\"<>^`{|}'":
            if character in raw:
                raise _refused(f"a registry's address has no {character!r}")
        scheme, separator, rest = raw.partition("://")
        if not separator:
            scheme, rest = "", raw
        scheme = scheme.lower()
        if scheme not in _DEFAULT_PORTS:
            raise _refused("its scheme is neither https nor http")
        authority, slash, path = rest.partition("/")
        host, port = _split_authority(authority)
        if port == _DEFAULT_PORTS[scheme]:
            port = ""
        return cls(raw, scheme, host, port, slash + path)

    @property
    def place(self) -> str:
        """Return host and port, and the scheme where it is http: who is asked."""
        place = f"{self.host}:{self.port}" if self.port else self.host
        return f"http://{place}" if self.scheme == "http" else place

    def __repr__(self) -> str:
        """Show the request; it holds no secret."""
        return f"ServerURL({self.raw!r})"


def _decode(text: bytes | str) -> str:
    """Trim what Windows and shells add: BOM, CR, LF, blanks, no-break spaces."""
    if isinstance(text, bytes):
        if len(text) > MAX_BYTES:
            raise _refused(f"it is longer than {MAX_BYTES // 1024} KiB")
        text = text.decode("utf-8", "replace")
    return text.strip().lstrip("\ufeff").strip()


def _split_authority(authority: str) -> tuple[str, str]:
    """Split host[:port] or [v6][:port], and check both."""
    if authority.startswith("["):
        host, bracket, rest = authority[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise _refused("its IPv6 address is not closed")
        if not host or not set(host.lower()) <= set("0123456789abcdef:."):
            raise _refused("its IPv6 address is not one")
        return f"[{host.lower()}]", _port(rest[1:]) if rest else ""
    host, colon, port = authority.partition(":")
    host = host.lower().removesuffix(".")
    labels = host.split(".")
    if len(host) > _MAX_HOST or not all(_is_label(label) for label in labels):
        raise _refused("it names no host")
    return host, _port(port) if colon else ""


def _is_label(label: str) -> bool:
    return 0 < len(label) <= _MAX_LABEL and _HOST_CHARACTERS.issuperset(label)


def _port(text: str) -> str:
    if not text.isdigit() or not 0 < int(text[:6]) <= _MAX_PORT:
        raise _refused("its port is not a port")
    return str(int(text))


def _refused(reason: str) -> InvalidInputError:
    """Name the reason; the key itself is a stranger's text and is not repeated."""
    return InvalidInputError(
        f"the server URL is refused: {reason}",
        "send a registry as host, host:port or https://host/path",
    )
