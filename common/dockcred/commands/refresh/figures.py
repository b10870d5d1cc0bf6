"""What `dockcred refresh` counts, and the port that Prometheus scrapes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Any

from dockcred.commands.refresh.attempt import Kept
from dockcred.commands.refresh.target import Report
from dockcred.errors import InvalidInputError
from dockcred.identity.cache.files import Cache
from dockcred.identity.config import open_config
from dockcred.system import environment, process, prometheus_file
from dockcred.system.metrics import Meter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.system.prometheus_file import Figures

PROGRAM = "dockcred-refresh"
WRITES, PROBLEMS = "dockcred_refresh_writes_total", "dockcred_refresh_problems_total"
FIRST_END = "dockcred_refresh_first_end_timestamp_seconds"


class RefreshFigures:
    """The metrics of this process: for a port, and for a metrics directory.

    Without a port and a directory nothing is counted.
    """

    def __init__(self, address: str = "") -> None:
        """Start to count, and to listen; InvalidInputError or OSError if that fails."""
        variables = environment.current()
        said = open_config(variables, lambda: Cache("")).defaults
        directory = said.get("metrics", variables.get("DOCKCRED_METRICS"))
        self._meter = Meter(PROGRAM, directory) if directory or address else None
        process.meter = self._meter
        self._lock = threading.Lock()
        self._total: Figures = {}
        self._unwritten: Figures = {}
        self._count(WRITES, 0.0)
        self._count(PROBLEMS, 0.0)
        if address:
            listen(address, self.text)

    def counting_writes(self, tell: Report) -> Report:
        """Return a `tell` that also counts each line as one write."""
        return self._counting(WRITES, tell)

    def counting_problems(self, warn: Report) -> Report:
        """Return a `warn` that also counts each line as one problem."""
        return self._counting(PROBLEMS, warn)

    def _counting(self, name: str, report: Report) -> Report:
        def count(line: str) -> None:
            self._count(name)
            report(line)

        return count

    def looked(self, kept: Iterable[Kept]) -> None:
        """Write down what was counted, and when the first credential expires."""
        if not self._meter:
            return
        ends = [r.expires_at for each in kept for r in each.known.values()]
        if first := min((end for end in ends if end is not None), default=None):
            self._count(FIRST_END, float(first))
        with self._lock:
            self._collect()
            figures, self._unwritten = self._unwritten, {}
        if self._meter.directory and figures:
            prometheus_file.write(self._meter.directory, figures)

    def text(self) -> bytes:
        """Return all that was counted since the start, in Prometheus' text format."""
        with self._lock:
            self._collect()
            prometheus_file.complete(self._total)
            return prometheus_file.render(self._total)

    def _collect(self) -> None:
        if self._meter:
            new = self._meter.take().items()
            prometheus_file.merge(self._total, new)
            prometheus_file.merge(self._unwritten, new)

    def _count(self, name: str, value: float = 1.0) -> None:
        if self._meter:
            self._meter.add([(self._meter.series(name), value)])


MOST_THREADS = 32
"""Threads of this process at most; further connections are closed at once.

Most are scrapers; all other threads count too.
"""


def listen(address: str, text: Callable[[], bytes]) -> ThreadingTCPServer:
    """Serve `text` at ADDRESS:PORT, in threads that end with the process.

    Raises InvalidInputError if the address is malformed, OSError if it cannot be bound.
    """
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal() or not int(port) < 1 << 16:
        raise InvalidInputError(
            f"{address!a} is no address with a port",
            "write it as 127.0.0.1:9105, or as [::1]:9105",
        )

    class Server(ThreadingTCPServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        allow_reuse_address = True
        daemon_threads = True

        def process_request(self, request: Any, client_address: Any) -> None:
            if threading.active_count() > MOST_THREADS:
                self.shutdown_request(request)
            else:
                super().process_request(request, client_address)

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Ignore it: a scraper that disconnects is no failure of ours."""

    class Handler(BaseHTTPRequestHandler):
        timeout = 10.0
        server_version, sys_version = "dockcred", ""

        def do_GET(self) -> None:
            if self.path.partition("?")[0] != "/metrics":
                self.send_error(404)
                return
            body = text()
            self.send_response(200)
            self.send_header("content-type", "text/plain; version=0.0.4")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words: object) -> None:
            """Log nothing: stderr is for what a person should see."""

    server = Server((host.strip("[]"), int(port)), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
