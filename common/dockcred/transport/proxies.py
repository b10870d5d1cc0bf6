"""Which proxy a host is reached through, by the variables that curl made common."""

from __future__ import annotations

from dockcred.errors import InvalidInputError, TransportError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.environment import Environment
    from dockcred.transport.http import Target


class Proxy:
    """An http proxy that is asked to CONNECT; its password shows in no message."""

    __slots__ = ("_authorization", "host", "port")

    def __init__(self, url: str) -> None:
        """Read http://[user:password@]host[:port]."""
        scheme, separator, rest = url.partition("://")
        if not separator:
            scheme, rest = "http", url
        userinfo, _, authority = rest.partition("/")[0].rpartition("@")
        host, _, port = authority.rpartition(":")
        if not host or not port.isdigit():
            host, port = authority, ""
        if scheme.lower() != "http" or not host:
            raise InvalidInputError(
                f"a proxy of the kind {scheme}:// is not spoken on the direct road",
                "name an http:// proxy, or set DOCKCRED_ROAD=sdk",
            )
        self.host = host.strip("[]")
        self.port = int(port or 80)
        self._authorization = _basic(userinfo) if userinfo else ""

    @property
    def name(self) -> str:
        """Name the proxy without its password."""
        return f"the proxy {self.host}:{self.port}"

    def connect_request(self, target: Target) -> bytes:
        """Write the request for a tunnel."""
        where = f"[{target.host}]" if ":" in target.host else target.host
        where = f"{where}:{target.port}"
        lines = [f"CONNECT {where} HTTP/1.1", f"Host: {where}"]
        if self._authorization:
            lines.append(f"Proxy-Authorization: {self._authorization}")
        return "\r\n".join((*lines, "", "")).encode("latin-1")

    def unreached(self, error: OSError) -> TransportError:
        """Blame the proxy, not the host behind it."""
        return TransportError(
            f"{self.name} was not reached ({error.strerror or 'no answer in time'})",
            "see HTTPS_PROXY and NO_PROXY",
        )

    def check(self, status: int, target: Target) -> None:
        """Raise TransportError unless the tunnel stands."""
        if status == 200:  # noqa: PLR2004 - OK
            return
        remedy = "see HTTPS_PROXY and NO_PROXY, or let the proxy pass this host"
        if status == 407:  # noqa: PLR2004 - proxy authentication required
            remedy = "put the proxy's user and password into HTTPS_PROXY"
        raise TransportError(f"{self.name} refused {target.netloc} ({status})", remedy)


def proxy_for(target: Target, environment: Environment) -> Proxy | None:
    """Answer the proxy for a host, None where it is reached directly."""
    if not target.tls:
        return None
    url = environment.first("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
    no_proxy = environment.first("NO_PROXY", "no_proxy")
    if not url or _is_excepted(target, no_proxy):
        return None
    return Proxy(url)


def _is_excepted(target: Target, no_proxy: str) -> bool:
    for written in no_proxy.replace(",", " ").split():
        name, _, port = written.lower().partition(":")
        if written.count(":") > 1:
            name, port = written.lower().strip("[]"), ""
        if port and port != str(target.port):
            continue
        domain = name.lstrip("*").lstrip(".")
        if name == "*" or target.host == domain or target.host.endswith(f".{domain}"):
            return True
        if "/" in name and _is_in_network(target.host, name):
            return True
    return False


def _is_in_network(host: str, network: str) -> bool:
    import ipaddress  # noqa: PLC0415 - only for NO_PROXY with a network

    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _basic(userinfo: str) -> str:
    import binascii  # noqa: PLC0415 - only for a proxy with a password
    from urllib.parse import unquote  # noqa: PLC0415

    coded = binascii.b2a_base64(unquote(userinfo).encode(), newline=False)
    return f"Basic {coded.decode()}"
