"""A registry without passwords: distribution and the token service at one address."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from real.parts import SYSTEM_PATH, program
from real.registry import NGINX_START, REGISTRY_CONFIG
from support import token_service
from support.program import BUSY_S
from support.real import missing
from support.token_service import Service

DISTRIBUTION_3 = Path("/usr/local/lib/dockcred-ci/distribution3-registry")
SERVICE = "registry.example.com"

# Both have one host and port: crane refuses a redirect to another private address.
NGINX = (
    NGINX_START
    + """\
  log_format visits '$status $request_method $request_uri';
  access_log {directory}/visits.log visits;
  server {{
    listen 127.0.0.1:{port};
    client_max_body_size 0;
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    location = /token {{ proxy_pass http://127.0.0.1:{service}; }}
    location /v2/ {{
      proxy_pass http://127.0.0.1:{registry};
      proxy_request_buffering off;
    }}
  }}
}}
"""
)


def distribution_2() -> str:
    return program("docker-registry")


def distribution_3() -> str:
    if not DISTRIBUTION_3.exists():
        missing("distribution 3 is not built: see .ci/run")
    return str(DISTRIBUTION_3)


@dataclass
class Site:
    """A running registry with its token service; clients name it by `host`."""

    host: str
    place: Path
    service: Service
    helper_bin: Path

    def visits(self) -> list[str]:
        """Return each request so far: status, method, path."""
        return (self.place / "visits.log").read_text().splitlines()

    def answered(self, visit: str, since: int = 0) -> bool:
        """Wait for a line in nginx's log, which is written late; return if it came."""
        give_up = time.monotonic() + BUSY_S
        while time.monotonic() < give_up:
            if any(line.startswith(visit) for line in self.visits()[since:]):
                return True
            time.sleep(0.02)
        return False

    def dockcred(self, *arguments: str) -> str:
        return dockcred(self.helper_bin, *arguments)


def dockcred(helper_bin: Path, *arguments: str) -> str:
    command = [str(helper_bin / "dockcred"), "token-service", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def serving(
    place: Path, helper_bin: Path, binary: str, sign_for: str, rules: str
) -> Iterator[Site]:
    """Serve a registry that trusts a `dockcred token-service`."""
    port, inner = free_port(), free_port()
    config = place / "token-service.toml"
    config.write_text(
        f'service = "{SERVICE}"\nkeys = "{place}/keys"\nsign_for = "{sign_for}"\n'
        + rules
    )
    dockcred(helper_bin, "keygen", "--keys", f"{place}/keys")
    with ExitStack() as stack:
        service = stack.enter_context(
            token_service.running(helper_bin, "--config", str(config))
        )
        site = Site(f"127.0.0.1:{port}", place, service, helper_bin)
        stack.enter_context(registry(site, binary, inner))
        stack.enter_context(in_front(site, inner))
        yield site


@contextmanager
def registry(site: Site, binary: str, port: int) -> Iterator[None]:
    """Run distribution with the present output of `write-registry-config`."""
    site.dockcred(
        *("write-registry-config", "--config", f"{site.place}/token-service.toml"),
        *("--realm", f"http://{site.host}/token", f"{site.place}/told"),
    )
    told = (site.place / "told/auth.yml").read_text()
    with distribution(site.place, binary, port, told):
        yield


@contextmanager
def distribution(place: Path, binary: str, port: int, auth: str) -> Iterator[None]:
    """Run distribution with `auth` as a part of its configuration."""
    config = place / f"registry-{port}.yml"
    config.write_text(
        REGISTRY_CONFIG.format(directory=place, backend=f"127.0.0.1:{port}") + auth
    )
    log = place / f"registry-{port}.log"
    with running([binary, "serve", str(config)], port, log):
        yield


@contextmanager
def in_front(site: Site, registry: int) -> Iterator[None]:
    """Run nginx before the registry and the token service."""
    port, nginx = site.host.partition(":")[2], site.place / "nginx.conf"
    words = {"directory": site.place, "port": port, "registry": registry}
    nginx.write_text(NGINX.format(service=site.service.port, **words))
    command = [program("nginx"), "-e", "stderr", "-c", str(nginx)]
    with running(command, int(port), site.place / "nginx.log"):
        yield


@contextmanager
def running(command: list[str], port: int, log: Path) -> Iterator[None]:
    """Run a server; the block begins when it listens, and its end stops it."""
    environment = {"PATH": SYSTEM_PATH, "OTEL_TRACES_EXPORTER": "none"}
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        ) as process,
    ):
        try:
            give_up = time.monotonic() + BUSY_S
            while not listens(port):
                alive = process.poll() is None and time.monotonic() < give_up
                assert alive, f"{command[0]} does not start:\n{log.read_text()}"
                time.sleep(0.02)
            yield
        finally:
            process.terminate()


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), BUSY_S).close()
    except OSError:
        return False
    return True


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]
