"""The connection to a target: direct, or through the proxy that is configured."""

from __future__ import annotations

from dockcred.credential import is_port
from dockcred.errors import InvalidInputError, TransportError
from dockcred.transport.response import Reader, seconds_left

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable, Iterable

    from dockcred.system.environment import Environment
    from dockcred.transport.target import Target


class Proxy:
    """An http proxy that is sent CONNECT, a SOCKS5 proxy, or an address (tcp://).

    Its password shows in no message. With SOCKS5 the proxy resolves the target's name.
    At a tcp:// address the target itself listens: its name is not resolved.
    """

    __slots__ = ("_is_socks", "_is_target", "_login", "host", "port")

    def __init__(self, url: str) -> None:
        """Read KIND://[user:password@]host[:port], of the kinds in _PORTS."""
        scheme, separator, rest = url.partition("://")
        if not separator:
            scheme, rest = "http", url
        userinfo, _, authority = rest.partition("/")[0].rpartition("@")
        host, _, port = authority.rpartition(":")
        if not host or not is_port(port):
            host, port = authority, ""
        default = _PORTS.get(scheme.lower())
        if not default or not host:
            # The SDKs do not support it either, or need one more package for it.
            raise InvalidInputError(
                f"a proxy of the kind {scheme}:// is not spoken here",
                "name an http:// or socks5:// proxy in HTTPS_PROXY or ALL_PROXY",
            )
        self.host = host.strip("[]")
        self.port = int(port or default)
        self._is_target = scheme.lower() == "tcp"
        self._is_socks = scheme.lower() != "http"
        self._login = _login(userinfo) if userinfo else ()

    @property
    def name(self) -> str:
        """Return the name of the proxy without its password."""
        what = "address" if self._is_target else "proxy"
        return f"the {what} {self.host}:{self.port}"

    def open_tunnel(
        self, connection: socket.socket, target: Target, deadline: float
    ) -> None:
        """Ask the proxy for a tunnel to a target; TransportError if it refuses."""
        if self._is_target:
            return
        if self._is_socks:
            from dockcred.transport import socks  # noqa: PLC0415 - rare

            socks.Tunnel(connection, deadline, self.name).open(target, *self._login)
            return
        connection.sendall(self.connect_request(target))
        reader = Reader(connection, deadline, self.name)
        status = reader.response(body=False).status
        self.check(status, target, is_silent=not reader.has_more())

    def connect_request(self, target: Target) -> bytes:
        """Write the request for a tunnel."""
        where = f"[{target.host}]" if ":" in target.host else target.host
        where = f"{where}:{target.port}"
        lines = [f"CONNECT {where} HTTP/1.1", f"Host: {where}"]
        if self._login:
            lines.append(f"Proxy-Authorization: {_basic(*self._login)}")
        return "\r\n".join((*lines, "", "")).encode("latin-1")

    def unreached(self, error: OSError) -> TransportError:
        """Return an error that names the proxy, not the host behind it."""
        return TransportError(
            f"{self.name} was not reached ({error.strerror or 'no answer in time'})",
            "see whether it can be reached from here"
            if self._is_target
            else "see HTTPS_PROXY and NO_PROXY",
            "connecting",
        )

    def check(self, status: int, target: Target, *, is_silent: bool = True) -> None:
        """Raise TransportError unless the tunnel is open.

        In TLS the client speaks first: bytes before that are the proxy's own page.
        """
        if status == 200 and is_silent:  # noqa: PLR2004 - OK
            return
        remedy = "see HTTPS_PROXY and NO_PROXY, or let the proxy pass this host"
        if status == 407:  # noqa: PLR2004 - proxy authentication required
            remedy = "put the proxy's user and password into HTTPS_PROXY"
        raise TransportError(
            f"{self.name} refused {target.netloc} ({status})",
            remedy,
            "connecting" if status >= 500 else "",  # noqa: PLR2004 - the proxy is ill
        )


def proxy_for(target: Target, environment: Environment) -> Proxy | None:
    """Return the proxy for a target; None if the connection is direct."""
    if not target.tls:
        return None
    # Lower case first, as curl, requests and botocore read them.
    url = environment.first("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
    no_proxy = environment.first("no_proxy", "NO_PROXY")
    if not url or _is_excepted(target, no_proxy):
        return None
    return Proxy(url)


def _is_excepted(target: Target, no_proxy: str) -> bool:
    for written in no_proxy.lower().replace(",", " ").split():
        name, port = _host_and_port(written)
        if port and port != str(target.port):
            continue
        domain = name.lstrip("*").lstrip(".")
        if name == "*" or target.host == domain or target.host.endswith(f".{domain}"):
            return True
        if "/" in name and _is_in_network(target.host, name):
            return True
    return False


def _host_and_port(written: str) -> tuple[str, str]:
    """Split an entry of NO_PROXY; an IPv6 address has a port only after brackets."""
    if written.startswith("["):
        host, _, port = written[1:].partition("]")
        return host, port.removeprefix(":")
    if written.count(":") > 1:
        return written, ""
    host, _, port = written.partition(":")
    return host, port


def _is_in_network(host: str, network: str) -> bool:
    import ipaddress  # noqa: PLC0415 - only for NO_PROXY with a network

    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


_PORTS = {"http": 80, "socks5": 1080, "socks5h": 1080, "tcp": 443}
"""The supported schemes of a proxy's URL, with their default ports."""


def _login(userinfo: str) -> tuple[str, str]:
    from urllib.parse import unquote  # noqa: PLC0415 - only for a proxy with a password

    user, _, password = userinfo.partition(":")
    return unquote(user), unquote(password)


def _basic(user: str, password: str) -> str:
    import binascii  # noqa: PLC0415 - only for a proxy with a password

    coded = binascii.b2a_base64(f"{user}:{password}".encode(), newline=False)
    return f"Basic {coded.decode()}"


_greeted: dict[str, ssl.SSLSocket | None] = {}
"""By host: a connection that has sent TLS's ClientHello before there was a request;
None once a request has been sent to the host."""


class Connector:
    """Opens connections to one target; `deadline` is a time on time.monotonic().

    `connect_by`, on the same clock, is the time by which TCP must be connected.
    """

    def __init__(
        self,
        target: Target,
        environment: Environment,
        deadline: float,
        ca_variables: Iterable[str],
    ) -> None:
        self.connect_by = deadline
        self._target = target
        self._deadline = deadline
        self._environment = environment
        self._ca_variables = tuple(ca_variables)
        self._proxy = None if target.is_local else proxy_for(target, environment)

    def connect(self, prepare: Callable[[], None]) -> socket.socket:
        """Open the connection; call `prepare` while the server answers TLS's hello.

        Raises OSError (ssl's errors are subclasses) or TransportError.
        """
        if not self._target.tls:
            prepare()
            return self._open()
        greeted = _greeted.get(self._target.netloc)
        _greeted[self._target.netloc] = None
        if greeted:
            prepare()
            try:
                return self._finish_handshake(greeted)
            except OSError:
                greeted.close()  # the server may have given up waiting: begin anew
        return self._connect_tls(prepare)

    def preconnect(self) -> None:
        """Begin a connection that a request will need soon."""
        import ssl  # noqa: PLC0415 - loaded lean by now

        if self._target.netloc in _greeted:
            return
        try:
            context = next(iter(self._contexts()))
            _greeted[self._target.netloc] = self._hello(context)
        except ssl.SSLCertVerificationError:
            return  # refused already: the request tries all roots

    def _connect_tls(self, prepare: Callable[[], None]) -> ssl.SSLSocket:
        import ssl  # noqa: PLC0415 - loaded lean by now

        refusal: ssl.SSLCertVerificationError | None = None
        for context in self._contexts():
            try:
                made = self._hello(context)
            except ssl.SSLCertVerificationError as error:
                refusal = error  # the server has answered the hello already
                continue
            try:
                prepare()
                return self._finish_handshake(made)
            except ssl.SSLCertVerificationError as error:
                made.close()
                refusal = error
            except BaseException:
                made.close()
                raise
        raise refusal or ssl.SSLCertVerificationError("there are no roots")

    def _contexts(self) -> Iterable[ssl.SSLContext]:
        from dockcred.transport import trust  # noqa: PLC0415 - not for plain http

        return trust.contexts(self._environment, self._ca_variables)

    def _hello(self, context: ssl.SSLContext) -> ssl.SSLSocket:
        """Open a connection and send TLS's hello, without waiting for the answer."""
        import ssl  # noqa: PLC0415 - loaded lean by now

        connection = self._open()
        try:
            made = context.wrap_socket(
                connection,
                server_hostname=self._target.host.encode(),
                do_handshake_on_connect=False,
            )
        except BaseException:
            connection.close()
            raise
        try:
            made.setblocking(False)
            made.do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return made  # the server must answer now
        except BaseException:
            made.close()
            raise
        return made

    def _finish_handshake(self, made: ssl.SSLSocket) -> ssl.SSLSocket:
        """Finish TLS's handshake and check the certificate; OSError if either fails."""
        made.settimeout(seconds_left(self._deadline))
        made.do_handshake()
        return made

    def _open(self) -> socket.socket:
        import socket  # noqa: PLC0415 - loaded lean by now

        proxy = self._proxy or self._target
        try:
            # As bytes: a str imports encodings.idna, 6 to 10 ms (performance.md B4).
            connection = socket.create_connection(
                (proxy.host.encode(), proxy.port),  # type: ignore[arg-type]
                seconds_left(self.connect_by),
            )
        except OSError as error:
            raise self._proxy.unreached(error) if self._proxy else error from None
        if self._proxy:
            try:
                self._proxy.open_tunnel(connection, self._target, self._deadline)
            except BaseException:
                connection.close()
                raise
        return connection
