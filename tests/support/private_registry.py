"""Debian's docker-registry on the loopback, which takes passwords of a sandbox cloud.

It speaks plain HTTP, which clients allow for 127.0.0.1. A config.toml maps it to HOST.
"""

from __future__ import annotations

import base64
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from dockcred.testing.sandbox import Sandbox
from support.program import BUSY_S, HOST, wait_until
from support.real import program

REGISTRY = """\
version: 0.1
log: {{level: warn}}
storage:
  filesystem: {{rootdirectory: "{directory}/images"}}
http: {{addr: "127.0.0.1:{backend}"}}
"""
NGINX = """\
daemon off;
pid {directory}/nginx.pid;
events {{}}
http {{
  log_format visits '$status $request_method $http_authorization';
  access_log {directory}/visits.log visits;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  server {{
    listen 127.0.0.1:{port};
    client_max_body_size 0;
    location / {{
      auth_request /registry-auth;
      # Said with a refusal too: docker 20.10 takes no registry for one without.
      proxy_hide_header Docker-Distribution-Api-Version;
      add_header Docker-Distribution-Api-Version registry/2.0 always;
      proxy_pass http://127.0.0.1:{backend};
      proxy_set_header Host $http_host;
      proxy_set_header Authorization "";
    }}
    location = /registry-auth {{
      internal;
      proxy_pass {cloud};
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
      proxy_set_header X-Registry-Host {host};
    }}
  }}
}}
"""


class PrivateRegistry:
    """The registry's address, the config.toml for it, and the passwords it took."""

    def __init__(self, directory: Path, port: int) -> None:
        self.host = f"127.0.0.1:{port}"
        self.config = directory / "config.toml"
        self.config.write_text(
            f'[[registry]]\nmatch = "{self.host}"\nregistry = "{HOST}"\n'
        )
        self._log = directory / "visits.log"

    def admits(self, password: str) -> bool:
        """Return whether the registry takes this password now."""
        basic = base64.b64encode(f"AWS:{password}".encode()).decode()
        ask = urllib.request.Request(f"http://{self.host}/v2/")
        ask.add_header("Authorization", f"Basic {basic}")
        try:
            with urllib.request.urlopen(ask, timeout=BUSY_S):
                return True
        except urllib.error.HTTPError as error:
            error.close()
            return False

    def passwords(self) -> list[str]:
        """Return the passwords that were accepted, in the order of their first use."""
        found = {}
        for line in self._log.read_text().splitlines():
            status, _, shown = line.split(" ", 2)
            if status.startswith("2") and shown.startswith("Basic "):
                pair = base64.b64decode(shown.removeprefix("Basic ")).decode()
                found[pair.partition(":")[2]] = True
        return list(found)


@contextmanager
def private_registry(cloud: Sandbox, directory: Path) -> Iterator[PrivateRegistry]:
    """Serve the registry until the block ends."""
    for name in ("nginx", "docker-registry", "crane"):
        program(name)
    port, backend = free_port(), free_port()
    words = {
        "directory": directory,
        "backend": backend,
        "port": port,
        "cloud": cloud.url,
        "host": HOST,
    }
    registry = directory / "registry.yml"
    registry.write_text(REGISTRY.format_map(words))
    nginx = directory / "nginx.conf"
    nginx.write_text(NGINX.format_map(words))
    with ExitStack() as servers:
        for command in (
            ("docker-registry", "serve", registry),
            ("nginx", "-e", directory / "nginx.log", "-c", nginx),
        ):
            process = servers.enter_context(
                subprocess.Popen(
                    command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                )
            )
            servers.callback(process.terminate)
        for number in (backend, port):
            wait_until(lambda number=number: listens(number))
        yield PrivateRegistry(directory, port)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=BUSY_S).close()
    except OSError:
        time.sleep(0.02)
        return False
    return True
