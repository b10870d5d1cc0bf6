"""The sandbox: one server, its clouds, its counts and its homes."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from email.utils import formatdate
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Self

from dockcred.testing.sandbox import desk, home, proxy
from dockcred.testing.sandbox import failures as kinds
from dockcred.testing.sandbox.aws import Aws
from dockcred.testing.sandbox.aws.principals import Minted
from dockcred.testing.sandbox.failures import Failures
from dockcred.testing.sandbox.messages import Fault, Request, Response
from dockcred.testing.sandbox.server import Server
from dockcred.testing.sandbox.service import Refusal, Service

SKEW_S = 3600


class Sandbox:
    """A cloud on the loopback, from `with` until the end of the block.

    `calls` counts what was asked, "SERVICE:Operation", and of it what was turned
    down, "SERVICE:refused". `home` is the directory that holds one home per
    identity; `fail` takes failures, `[SERVICE:]KIND[:TIMES]`, ValueError for
    an unknown one.
    """

    def __init__(
        self,
        *,
        latency_ms: float = 0,
        metadata_latency_ms: float = 0,
        expires_s: float = 43200,
        fail: Iterable[str] = (),
        tls: bool = False,
    ) -> None:
        self.tls = tls
        self.calls: Counter[str] = Counter()
        self.requests: list[Request] = []
        self.failures = Failures()
        for failure in fail:
            self.failures.add(failure)
        self.aws = Aws(expires_s, self.failures)
        self.certificates = proxy.Certificates()
        self.closing = threading.Event()
        self._clouds = (self.aws,)
        self._latency_s = latency_ms / 1000
        self._near_latency_s = metadata_latency_ms / 1000
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        """Start serving."""
        self._directory = tempfile.TemporaryDirectory(prefix="dockcred-sandbox-")
        self.home = Path(self._directory.name)
        self._server = Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.proxy_url = self.url
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop serving and remove the homes."""
        self.closing.set()
        self._server.close()
        self._directory.cleanup()

    @property
    def ca_file(self) -> Path:
        """Return the certificate of the authority that signs for every host."""
        path = self.home / "ca.pem"
        if not path.exists():
            self.certificates.write(path)
        return path

    @property
    def identities(self) -> dict[str, str]:
        """Return what each identity is, by name."""
        return {
            name: (identity.__doc__ or "").partition("\n")[0]
            for cloud in self._clouds
            for name, identity in cloud.identities.items()
        }

    def environment(
        self, identity: str = "env-keys", *, inherit: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """Set the identity up in a home of its own and return all its variables.

        What is no cloud's is taken over from `inherit`; without it only the few
        variables any program needs, from this process. KeyError for a name that
        is no identity's.
        """
        cloud = next((c for c in self._clouds if identity in c.identities), None)
        if cloud is None:
            raise KeyError(f"{identity!r} is none of: {', '.join(self.identities)}")
        own = self.home / identity
        base = home.minimal(os.environ) if inherit is None else inherit
        return (
            home.isolate(base, own)
            | (proxy.variables(self.proxy_url, self.ca_file) if self.tls else {})
            | cloud.environment(identity, home=own, url=self.url, tls=self.tls)
        )

    def minted(self, password: str) -> Minted | None:
        """Return what a registry password stands for, None where it is not ours."""
        found = (cloud.minted(password) for cloud in self._clouds)
        return next(filter(None, found), None)

    def fail(self, failure: str) -> None:
        """Put a failure in force: `[SERVICE:]KIND[:TIMES]`."""
        self.failures.add(failure)

    def recover(self) -> None:
        """Let everything work again."""
        self.failures.clear()

    def reset(self) -> None:
        """Forget what was counted and recorded."""
        with self._lock:
            self.calls.clear()
            self.requests.clear()

    def connect(self, host: str) -> str | None:
        """Return how a tunnel to `host` fails, None where it is opened."""
        service = next((s for s in self._services if s.has_host(host)), None)
        self._count("proxy:CONNECT")
        if service is None:
            self._count("proxy:refused")
            return kinds.REFUSE
        return self.failures.take(service.name, kinds.CONNECT_KINDS)

    def answer(self, request: Request) -> Response:
        """Answer one request as the service would for which it is."""
        answer = desk.answer(request, self.calls, self._admits)
        if answer is not None:
            return answer
        service = self._route(request)
        self._count(
            f"{service.name}:{service.operation(request)}" if service else "unknown",
            request,
        )
        if service is None:
            return Response(404, b"the sandbox knows no such service\n")
        self.closing.wait(self._near_latency_s if service.near else self._latency_s)
        return self._serve(service, request)

    def _serve(self, service: Service, request: Request) -> Response:
        failure = self.failures.take(service.name, kinds.ANSWER_KINDS)
        now = time.time() + (SKEW_S if failure == kinds.CLOCK_SKEW else 0)
        try:
            if failure in kinds.REFUSALS:
                reason = kinds.REFUSALS[failure]
                raise Refusal(reason, f"ordered: {failure}")  # noqa: TRY301
            response = service.answer(request, now)
        except Refusal as refusal:
            self._count(f"{service.name}:refused")
            response = service.refuse(refusal)
        headers = {"Date": formatdate(now, usegmt=True)} | response.headers
        fault = Fault(failure) if failure in kinds.FAULTS else None
        return replace(response, headers=headers, fault=fault)

    def _route(self, request: Request) -> Service | None:
        for service in self._services:
            if request.on_loopback and service.recognises(request):
                return service
            if service.has_host(request.host):
                return service
        return None

    @property
    def _services(self) -> Iterator[Service]:
        return chain.from_iterable(cloud.services for cloud in self._clouds)

    def _admits(self, username: str, password: str, host: str) -> bool:
        now = time.time()
        return any(c.admits(username, password, host, now) for c in self._clouds)

    def _count(self, call: str, request: Request | None = None) -> None:
        with self._lock:
            self.calls[call] += 1
            if request is not None:
                self.requests.append(request)
