"""The sandbox: one server, its clouds, its counts and its homes."""

from __future__ import annotations

import importlib.util
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dockcred.testing.sandbox import home, proxy
from dockcred.testing.sandbox.aws import Aws
from dockcred.testing.sandbox.azure import Azure
from dockcred.testing.sandbox.ci import CI
from dockcred.testing.sandbox.exchange import Exchange
from dockcred.testing.sandbox.failures import Failures
from dockcred.testing.sandbox.github import GitHub
from dockcred.testing.sandbox.google import Google
from dockcred.testing.sandbox.handler import Handler, TlsHandler
from dockcred.testing.sandbox.server import Server, Silence
from dockcred.testing.sandbox.service import Cloud, Minted
from dockcred.wiring import PROVIDERS

_WITH_OTHERS = (Aws, Azure, Google, GitHub, CI)
"""Clouds that need more than the life of a password, such as another cloud."""


def _further() -> Iterator[Any]:
    """Yield the cloud of each further provider: CLOUD of the module of its name."""
    served = {cloud.subject.provider for cloud in _WITH_OTHERS}
    for name in PROVIDERS:
        module = f"{__package__}.{name}"
        if name not in served and importlib.util.find_spec(module):
            yield importlib.import_module(module).CLOUD


_FURTHER: tuple[Callable[[float], Cloud], ...] = tuple(_further())
CLOUDS: tuple[Any, ...] = (*_WITH_OTHERS, *_FURTHER)
IDENTITIES: dict[str, str] = {
    name: (identity.__doc__ or "").partition("\n")[0]
    for cloud in CLOUDS
    for name, identity in cloud.identities.items()
}
"""The description of each identity, by name."""


_CLEANUPS = 10


class Sandbox:
    """A cloud on the loopback, from `with` until the end of the block.

    `calls` counts requests as "SERVICE:Operation", and refused ones as
    "SERVICE:refused". `home` is the directory with one home per identity. `fail` are
    failures, `[SERVICE:]KIND[=S][:TIMES]`; an unknown one raises ValueError. `address`
    is the address of this machine to listen on.
    """

    def __init__(
        self,
        *,
        latency_ms: float = 0,
        metadata_latency_ms: float = 0,
        expires_s: float = 43200,
        fail: Iterable[str] = (),
        tls: bool = False,
        address: str = "127.0.0.1",
    ) -> None:
        self.tls = tls
        self._address = address
        self.failures = Failures()
        for failure in fail:
            self.failures.add(failure)
        self.aws = Aws(expires_s, self.failures)
        self.azure = Azure(expires_s, self._thumbprint)
        self.google = Google(expires_s, self.aws)
        self.github = GitHub(expires_s)
        self.ci = CI(lambda: "" if self.tls else self.url)
        self.google.identity_token = self._machine_token
        self._clouds: tuple[Cloud, ...] = (
            self.aws,
            self.azure,
            self.google,
            self.github,
            self.ci,
            *(cloud(expires_s) for cloud in _FURTHER),
        )
        self._exchange = Exchange(
            self._clouds,
            self.failures,
            latency_s=latency_ms / 1000,
            near_latency_s=metadata_latency_ms / 1000,
        )
        self.calls = self._exchange.calls
        self.requests = self._exchange.requests

    def __enter__(self) -> Self:
        """Start the server."""
        self._directory = tempfile.TemporaryDirectory(prefix="dockcred-sandbox-")
        self.home = Path(self._directory.name)
        self._silence: list[Silence] = []
        self._servers = [Server(self._exchange, (self._address, 0))]
        self.url = f"http://{self._address}:{self._servers[0].server_port}"
        self.proxy_url = self.url
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop the server, and remove the homes."""
        self._exchange.closing.set()
        for server in self._servers:
            server.close()
        for silence in self._silence:
            silence.close()
        for attempt in reversed(range(_CLEANUPS)):
            try:
                self._directory.cleanup()
            except OSError:
                # A program that was just ended may still write there.
                if not attempt:
                    raise
                time.sleep(0.2)
            else:
                break

    def listen(self, address: str, port: int = 0, *, tls: bool = False) -> int:
        """Serve at a further address; return the port.

        With `tls` it is TLS from the first byte, for every real host. This is for an
        own network, in which real names resolve to the address.
        """
        handler = TlsHandler if tls else Handler
        self._servers.append(Server(self._exchange, (address, port), handler))
        return self._servers[-1].server_port

    def silent(self) -> str:
        """Return host:port on the loopback that never answers, like a firewall.

        It is for variables that name a metadata address. Linux only.
        """
        self._silence.append(Silence())
        return self._silence[-1].address

    @property
    def ca_file(self) -> Path:
        """Return the certificate file of the authority that signs for all hosts."""
        path = self.home / "ca.pem"
        if not path.exists():
            self._exchange.certificates.write(path)
        return path

    @property
    def identities(self) -> dict[str, str]:
        """Return the description of each identity, by name."""
        return dict(IDENTITIES)

    def environment(
        self, identity: str = "env-keys", *, inherit: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """Set the identity up in its own home, and return all its variables.

        Variables of `inherit` that belong to no cloud are kept. Without `inherit`, only
        the few that every program needs come from this process. Raises KeyError for an
        unknown identity.
        """
        cloud = next((c for c in self._clouds if identity in c.identities), None)
        if cloud is None:
            raise KeyError(f"{identity!r} is none of: {', '.join(self.identities)}")
        own = self.home / identity
        base = home.minimal(os.environ) if inherit is None else inherit
        tls = self.tls or cloud.needs_tls
        return (
            home.isolate(base, own)
            | (proxy.variables(self.proxy_url, self.ca_file) if tls else {})
            | cloud.environment(identity, home=own, url=self.url, tls=tls)
        )

    def minted(self, password: str) -> Minted | None:
        """Return what a registry password was issued for; None if it is not ours."""
        found = (cloud.minted(password) for cloud in self._clouds)
        return next(filter(None, found), None)

    def fail(self, failure: str) -> None:
        """Add a failure: `[SERVICE:]KIND[=SECONDS][:TIMES]`."""
        self.failures.add(failure)

    def recover(self) -> None:
        """Remove all failures."""
        self.failures.clear()

    def reset(self) -> None:
        """Forget the counts and the recorded requests."""
        self._exchange.reset()

    def _machine_token(self, audience: str) -> str:
        """Return Google's ID token of the machine's account."""
        account = self.google.machine_account
        return self.ci.google.token(audience, sub=account, email=account)

    def _thumbprint(self, host: str) -> str:
        return self._exchange.certificates.thumbprint(host)
