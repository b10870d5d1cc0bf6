"""The target of a request, and the encoding of its form."""

from __future__ import annotations

from dockcred.credential import is_count, is_port
from dockcred.errors import InvalidInputError, TransportError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_PLAIN = frozenset(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
)


class UnreachedError(TransportError):
    """No connection was made: it was refused, has no route, or had no answer."""


class NameNotFoundError(UnreachedError):
    """The host's name could not be resolved."""


class SilentError(UnreachedError):
    """The connection was neither accepted nor refused in time: packets were dropped."""


def urlencode(fields: Mapping[str, str]) -> str:
    """Encode form fields: UTF-8, as %XX except RFC 3986's unreserved characters."""
    return "&".join(f"{_quote(name)}={_quote(fields[name])}" for name in fields)


def _quote(text: str) -> str:
    data = text.encode("utf-8", "replace")
    if _PLAIN.issuperset(data):
        return text
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in data)


METADATA_HOSTS = frozenset(
    {
        "169.254.169.254",
        "169.254.170.2",
        "169.254.170.23",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "metadata.google.internal",
        "100.100.100.200",
    }
)


class Target:
    """A URL in its parts; plain http is for local and metadata addresses only."""

    __slots__ = ("host", "is_local", "netloc", "path", "port", "tls")

    def __init__(self, url: str, *, platform: bool = False) -> None:
        """Split the URL; raise InvalidInputError if a secret may not go there.

        `platform` means that the platform we run on has named the endpoint, and gave
        the secret that is sent there. Then it may be in the platform's own network.
        """
        scheme, _, rest = url.partition("://")
        netloc, slash, path = rest.partition("/")
        self.path = (slash + path) or "/"
        self.tls = scheme == "https"
        host, port = _split(netloc)
        self.host = host
        self.is_local = (
            host in METADATA_HOSTS
            or is_loopback(host)
            or is_link_local(host)
            or (platform and is_private(host))
        )
        if scheme not in {"https", "http"} or not host or "@" in netloc:
            raise InvalidInputError("an endpoint is not an https URL", "fix its URL")
        if not self.tls and not self.is_local:
            raise InvalidInputError(
                f"plain http to {host} is refused: it would carry a secret in clear",
                "name an https endpoint",
            )
        self.port = port or (443 if self.tls else 80)
        default = 443 if self.tls else 80
        shown = f"[{host}]" if ":" in host else host
        self.netloc = shown if self.port == default else f"{shown}:{self.port}"


def is_segment(text: str) -> bool:
    """Return whether a text can be one segment of a URL's path without escapes."""
    return text.isascii() and text.isprintable() and not set(text) & set(" /\\?#%")


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine, by its literal address or name."""
    return host in {"localhost", "::1"} or (_is_ipv4(host) and host.startswith("127."))


def is_link_local(host: str) -> bool:
    """Return whether a host is a link-local address (RFC 3927): no router forwards it.

    App Service has its identity endpoint at such an address, another per container.
    """
    return _is_ipv4(host) and host.startswith("169.254.")


_PRIVATE = (
    (0x0A000000, 8),  # 10.0.0.0, RFC 1918
    (0xAC100000, 12),  # 172.16.0.0
    (0xC0A80000, 16),  # 192.168.0.0
    (0x64400000, 10),  # 100.64.0.0, RFC 6598, which Container Apps reserves
)
"""Networks that the internet does not route to: address, and length of its prefix."""


def is_private(host: str) -> bool:
    """Return whether a host is the literal address of a private network.

    A name is not private: the DNS decides to which address it leads.
    """
    if ":" in host:
        # fc00::/7, RFC 4193: its first group has four digits, whatever is left out.
        first = host.partition(":")[0]
        rest = host.replace(":", "")
        return len(first) == 4 and first[:2] in {"fc", "fd"} and _is_hex(rest)  # noqa: PLR2004
    parts = host.split(".")
    # Without a leading zero, which some systems read as octal.
    if not _is_ipv4(host) or any(str(int(part)) != part for part in parts):
        return False
    address = 0
    for part in parts:
        if int(part) > 255:  # noqa: PLR2004 - a byte
            return False
        address = address << 8 | int(part)
    return any(address >> (32 - n) == network >> (32 - n) for network, n in _PRIVATE)


def _is_hex(text: str) -> bool:
    return set(text) <= set("0123456789abcdef")


def _is_ipv4(host: str) -> bool:
    parts = host.split(".")
    return len(parts) == 4 and all(is_count(part, 999) for part in parts)  # noqa: PLR2004


def _split(netloc: str) -> tuple[str, int]:
    if netloc.startswith("["):
        host, _, port = netloc[1:].partition("]")
        port = port.removeprefix(":")
    else:
        host, _, port = netloc.partition(":")
    if port and not is_port(port):
        raise InvalidInputError("an endpoint's port is not a number", "fix its URL")
    return host.lower(), int(port or 0)


def at_address(address: str, port: int) -> dict[str, str]:
    """Return variables that send each request to one address, without a proxy."""
    host = f"[{address}]" if ":" in address else address
    return {
        "https_proxy": f"tcp://{host}:{port}",
        "no_proxy": "",
        "NO_PROXY": "",
    }
