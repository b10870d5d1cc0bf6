"""Run the installed token service as a program, and talk to it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import threading
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jwt

from support.program import BUSY_S

SERVICE = "registry.example.com"


@dataclass
class Reply:
    """One HTTP answer."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def access(self) -> list[dict[str, Any]]:
        """What the token grants. The signature is not checked: registries do that."""
        assert self.status == 200, (self.status, self.body)
        token = self.json()["token"]
        return jwt.decode(token, options={"verify_signature": False})["access"]


@dataclass
class Service:
    """A running service. `lines` is its log so far as JSON, `raw` all of stderr."""

    port: int
    process: subprocess.Popen[bytes]
    lines: list[dict[str, Any]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)

    def request(self, method: str, path: str, body=None, headers=None) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=BUSY_S)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return Reply(response.status, response.headers, response.read())
        finally:
            connection.close()

    def get(self, *scopes: str, token=None, username="JWT", **fields: str) -> Reply:
        query = [("service", SERVICE), *(("scope", scope) for scope in scopes)]
        query += fields.items()
        headers = {} if token is None else {"Authorization": basic(username, token)}
        return self.request("GET", f"/token?{urlencode(query)}", headers=headers)

    def post(self, *scopes: str, **fields: str) -> Reply:
        form = [("service", SERVICE), *(("scope", scope) for scope in scopes)]
        body = urlencode([*form, *fields.items()])
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.request("POST", "/token", body, kind)

    def said(self, seconds: float = BUSY_S, **fields: Any) -> dict[str, Any]:
        """Wait for the log's first line with these fields, and return it."""
        give_up = time.monotonic() + seconds
        while True:
            for line in list(self.lines):
                if fields.items() <= line.items():
                    return line
            assert time.monotonic() < give_up, (fields, self.lines[-5:])
            time.sleep(0.01)

    def is_alive(self) -> bool:
        return self.process.poll() is None and self.get_health() == 200

    def get_health(self) -> int:
        return self.request("GET", "/healthz").status


def basic(username: str, secret: str) -> str:
    return "Basic " + b64encode(f"{username}:{secret}".encode()).decode()


@contextmanager
def running(
    helper_bin: Path, *arguments: str, env: Mapping[str, str] | None = None
) -> Iterator[Service]:
    """Run `dockcred token-service` on a free port until the block ends."""
    command = [str(helper_bin / "dockcred"), "token-service", *arguments]
    if "--listen" not in arguments:
        command += ["--listen", "127.0.0.1:0"]
    environment = {"PATH": os.environ["PATH"], "PYTHONWARNINGS": "error"} | (env or {})
    with subprocess.Popen(
        command, env=environment, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
    ) as process:
        service = Service(0, process)
        reader = threading.Thread(target=_read, args=(service,))
        reader.start()
        try:
            service.port = _port(service)
            yield service
        finally:
            try:
                if process.poll() is None:
                    process.send_signal(signal.SIGTERM)
                process.wait(BUSY_S)
            finally:
                process.kill()
                _end_workers(service)
                reader.join()


def _end_workers(service: Service) -> None:
    """Kill workers that outlive their parent: they hold the pipe that we read."""
    for line in list(service.lines):
        if line.get("event") == "worker-started":
            with suppress(OSError):
                words = Path(f"/proc/{line['pid']}/cmdline").read_bytes()
                if b"token-service" in words:
                    os.kill(line["pid"], signal.SIGKILL)


def _read(service: Service) -> None:
    for line in service.process.stderr:
        service.raw.append(line)
        try:
            service.lines.append(json.loads(line))
        except ValueError:
            continue


def _port(service: Service) -> int:
    give_up = time.monotonic() + BUSY_S
    while time.monotonic() < give_up:
        for line in list(service.lines):
            if line["event"] == "listening":
                return line["port"]
        if service.process.poll() is not None:
            break
        time.sleep(0.01)
    raise AssertionError(f"it does not listen: {b''.join(service.raw)!r}")
