"""The way to a target: opened, through a proxy where one is named, and verified."""

from __future__ import annotations

from dockcred.transport import proxies
from dockcred.transport.response import Reader, seconds_left

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable, Iterable

    from dockcred.environment import Environment
    from dockcred.transport.target import Target

_greeted: dict[str, ssl.SSLSocket | None] = {}
"""Connections on which hello was said before there was a request, by host: one each,
and none once a request has gone there."""


class Way:
    """The way to one target, until a time on time.monotonic()."""

    def __init__(
        self,
        target: Target,
        environment: Environment,
        deadline: float,
        ca_variables: Iterable[str],
    ) -> None:
        self._target = target
        self._deadline = deadline
        self._environment = environment
        self._ca_variables = tuple(ca_variables)
        self._proxy = (
            None if target.is_local else proxies.proxy_for(target, environment)
        )

    def connect(self, prepare: Callable[[], None]) -> socket.socket:
        """Open the connection; call `prepare` while the other end has its turn.

        Raises OSError, of which ssl's are a kind, or TransportError.
        """
        if not self._target.tls:
            prepare()
            return self._open()
        greeted = _greeted.get(self._target.netloc)
        _greeted[self._target.netloc] = None
        if greeted:
            prepare()
            try:
                return self._agreed(greeted)
            except OSError:
                greeted.close()  # the other end may be tired of waiting: begin anew
        return self._connect_tls(prepare)

    def greet(self) -> None:
        """Begin a connection that a request will need soon."""
        import ssl  # noqa: PLC0415 - loaded lean by now

        if self._target.netloc in _greeted:
            return
        try:
            context = next(iter(self._contexts()))
            _greeted[self._target.netloc] = self._hello(context)
        except ssl.SSLCertVerificationError:
            return  # answered at once, and refused: the request tries all roots

    def _connect_tls(self, prepare: Callable[[], None]) -> ssl.SSLSocket:
        import ssl  # noqa: PLC0415 - loaded lean by now

        refusal: ssl.SSLCertVerificationError | None = None
        for context in self._contexts():
            try:
                made = self._hello(context)
            except ssl.SSLCertVerificationError as error:
                refusal = error  # the other end was quick, and answered the hello
                continue
            try:
                prepare()
                return self._agreed(made)
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
        """Open a connection and say hello, without waiting for the answer."""
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
            return made  # it is the other end's turn
        except BaseException:
            made.close()
            raise
        return made

    def _agreed(self, made: ssl.SSLSocket) -> ssl.SSLSocket:
        """Shake hands to the end: OSError unless the other end is who it must be."""
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
                seconds_left(self._deadline),
            )
        except OSError as error:
            raise self._proxy.unreached(error) if self._proxy else error from None
        if self._proxy:
            try:
                connection.sendall(self._proxy.connect_request(self._target))
                reader = Reader(connection, self._deadline, self._proxy.name)
                self._proxy.check(reader.response(body=False).status, self._target)
            except BaseException:
                connection.close()
                raise
        return connection
