"""Route each request to its service; count and delay requests, and apply failures."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from email.utils import formatdate
from itertools import chain

from dockcred.testing.sandbox import desk
from dockcred.testing.sandbox import failures as kinds
from dockcred.testing.sandbox.failures import Failure, Failures
from dockcred.testing.sandbox.messages import HTML, PAGE, Fault, Request, Response
from dockcred.testing.sandbox.proxy import Certificates
from dockcred.testing.sandbox.service import Cloud, Reason, Refusal, Service

SKEW_S = 3600
THROTTLED, BROKEN = 429, 500


class Exchange:
    """All services of all clouds, behind one server."""

    def __init__(
        self,
        clouds: Sequence[Cloud],
        failures: Failures,
        *,
        latency_s: float,
        near_latency_s: float,
    ) -> None:
        self.calls: Counter[str] = Counter()
        self.requests: list[Request] = []
        self.closing = threading.Event()
        self.certificates = Certificates()
        self._clouds = clouds
        self._failures = failures
        self._latency_s = latency_s
        self._near_latency_s = near_latency_s
        self._lock = threading.Lock()

    def reset(self) -> None:
        """Forget the counts and the recorded requests."""
        with self._lock:
            self.calls.clear()
            self.requests.clear()

    def connect(self, host: str) -> str | None:
        """Return how a tunnel to `host` fails, None if it is opened."""
        service = next((s for s in self._services if s.has_host(host)), None)
        self._count("proxy:CONNECT")
        if service is None:
            self._count("proxy:refused")
            return kinds.REFUSE
        failure = self._failures.take(service.name, kinds.CONNECT_KINDS)
        return failure.kind if failure else None

    def answer(self, request: Request) -> Response:
        """Return the response of the service that the request is for."""
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
        failure = self._failures.take(service.name, kinds.ANSWER_KINDS)
        kind = failure.kind if failure else ""
        if failure and kind == kinds.SLOW:
            self.closing.wait(failure.seconds)
        now = time.time() + (SKEW_S if kind == kinds.CLOCK_SKEW else 0)
        try:
            if failure and (refusal := _refusal(failure)):
                raise refusal
            response = service.answer(request, now)
        except Refusal as refusal:
            self._count(f"{service.name}:refused")
            response = service.refuse(refusal)
        if failure and kind.startswith(kinds.STATUS):
            response = _with_status(response, failure)
        headers = {"Date": formatdate(now, usegmt=True)} | response.headers
        fault = Fault(kind) if kind in kinds.FAULTS else None
        fault = Fault.RESET if kind == kinds.LATE else fault
        return replace(response, headers=headers, fault=fault)

    def _route(self, request: Request) -> Service | None:
        """Return the service, found by its host or by the form of the request.

        The form decides on the loopback, and at the address that all clouds' metadata
        services share.
        """
        named = [s for s in self._services if s.has_host(request.host)]
        known = self._services if request.on_loopback else named
        shaped = (service for service in known if service.recognises(request))
        return next(shaped, named[0] if named else None)

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


def _refusal(failure: Failure) -> Refusal | None:
    """Return the service's refusal for a failure, None if the service has none."""
    why = f"ordered: {failure.detail or failure.kind}"
    if failure.kind in kinds.REFUSALS:
        return Refusal(kinds.REFUSALS[failure.kind], why)
    if failure.kind == kinds.CODE:
        return Refusal(Reason.INVALID, why, failure.detail)
    if failure.kind.startswith(kinds.STATUS):
        throttled = failure.detail == str(THROTTLED)
        return Refusal(Reason.THROTTLED if throttled else Reason.BROKEN, why)
    return None


def _with_status(response: Response, failure: Failure) -> Response:
    """Return the ordered status, with the service's refusal or a foreign document."""
    status = int(failure.detail)
    if failure.kind != kinds.STATUS:
        headers = {"Content-Type": "application/json"}
        return Response(status, b'{"message": "not this one"}', headers)
    if status == THROTTLED or status >= BROKEN:
        return replace(response, status=status)
    return Response(status, PAGE, HTML)
