"""The data of a call: the requested server, the credential, and the credential's age.

The age decides what `get` does with a cached credential:

    FRESH  up to half its life              return it
    AGING  up to three quarters of it       return it, refresh it in the background
    LAST   up to SPARE_S before its expiry  mint a new one; if that fails, return it
    OVER   after that                       mint a new one, or fail

If it was issued in the future, the clock was set back. Then its age is OVER.
"""

from __future__ import annotations

from dockcred.errors import InvalidInputError, MissingServerURLError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BYTES = 64 * 1024
# Room for a secret of 1 MiB: JSON may escape each of its characters as \uXXXX.
MAX_STORE_BYTES = 8 * 1024 * 1024
_HOST_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")
_DEFAULT_PORTS = {"https": "443", "http": "80", "": "443"}
_MAX_HOST = 253
_MAX_LABEL = 63
_MAX_PORT = 65535


class ServerURL:
    """A registry's address, parsed once.

    `raw` is the trimmed request, echoed in the answer. `host` is lower-case,
    without a trailing dot; `port` is empty for the scheme's default; `path` keeps
    its leading slash. Providers compare the whole `host`, never a part of it.
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
        """Parse a server URL as clients send it; refuse what no client sends.

        Raises MissingServerURLError for a blank URL and InvalidInputError for
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
        if scheme not in _DEFAULT_PORTS or (separator and not scheme):
            raise _refused("its scheme is neither https nor http")
        authority, slash, path = rest.partition("/")
        host, port = _split_authority(authority)
        if port == _DEFAULT_PORTS[scheme]:
            port = ""
        return cls(raw, scheme, host, port, slash + path)

    @property
    def place(self) -> str:
        """Return what names the server: host[:port], after http:// for plain http."""
        place = f"{self.host}:{self.port}" if self.port else self.host
        return f"http://{place}" if self.scheme == "http" else place

    def __repr__(self) -> str:
        """Show the request; it holds no secret."""
        return f"ServerURL({self.raw!r})"


def _decode(text: bytes | str) -> str:
    """Strip what Windows and shells add: BOM, CR, LF, blanks, no-break spaces."""
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
    if not is_port(text):
        raise _refused("its port is not a port")
    return text.lstrip("0")


def is_port(text: str) -> bool:
    """Return whether a text is a port number; leading zeros are allowed."""
    return is_count(text, _MAX_PORT) and text.strip("0") != ""


def is_count(text: str, most: int) -> bool:
    """Return whether a text is a number of at most `most`, in ASCII digits only.

    `isdigit` alone accepts digits, and numbers of digits, that `int` refuses.
    """
    digits = text.lstrip("0")
    return (
        text.isascii()
        and text.isdigit()
        and len(digits) <= len(str(most))
        and int(digits or "0") <= most
    )


def _refused(reason: str) -> InvalidInputError:
    """Return an error with the reason; it does not quote the URL, a stranger's text."""
    return InvalidInputError(
        f"the server URL is refused: {reason}",
        "send a registry as host, host:port or https://host/path",
    )


class Credential:
    """A user name and a secret for a registry; the secret never shows in a repr.

    Times are seconds since the epoch; `expires_at` is None if the issuer names
    no expiry.
    """

    # No dataclass: importing dataclasses costs more than a whole cached get
    # (performance.md B2: 55 M instructions against 16 M).
    __slots__ = ("expires_at", "issued_at", "secret", "username")

    def __init__(
        self,
        username: str,
        secret: str,
        issued_at: float = 0.0,
        expires_at: float | None = None,
    ) -> None:
        self.username = username
        self.secret = secret
        self.issued_at = issued_at
        self.expires_at = expires_at

    def __repr__(self) -> str:
        """Show the user name and the expiry, not the secret."""
        return f"Credential({self.username!r}, secret=…, expires_at={self.expires_at})"


FRESH, AGING, LAST, OVER = range(4)
SPARE_S = 60.0


def age(credential: Credential, now: float) -> int:
    """Return FRESH, AGING, LAST or OVER at `now`, in seconds since the epoch."""
    if credential.expires_at is None or now < credential.issued_at:
        return OVER
    life = credential.expires_at - credential.issued_at
    lived = now - credential.issued_at
    if lived < life / 2:
        return FRESH
    if lived < life * 3 / 4:
        return AGING
    if lived < life - min(SPARE_S, life / 10):
        return LAST
    return OVER


def fresh_until(credential: Credential) -> float:
    """Return when FRESH ends, in seconds since the epoch; 0 if there is no expiry."""
    if credential.expires_at is None:
        return 0.0
    return (credential.issued_at + credential.expires_at) / 2


def json_line(fields: Mapping[str, str]) -> bytes:
    """Write an object of strings as one line of ASCII JSON.

    It does not import json, which costs more than all the rest of a cached get
    (performance.md B2).
    """
    members = ",".join(f"{_quote(key)}:{_quote(fields[key])}" for key in fields)
    return f"{{{members}}}\n".encode("ascii")


def _quote(text: str) -> str:
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join(map(_escape, text)) + '"'


def _escape(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if " " <= character <= "~":
        return character
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join("\\u" + units[i : i + 4] for i in range(0, len(units), 4))
