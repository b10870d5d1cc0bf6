"""Serve issuers, the token service and Debian's registry, with TLS before these two."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trustme
from real.parts import program
from real.registry import BACKEND, NGINX_START, REGISTRY_CONFIG
from real.world import ADDRESS, World

HOST = "registry.example.com"
REALM = f"https://{HOST}/token"

TOKEN_SERVICE = """\
service = "{host}"
keys = "{directory}/keys"

[issuers.github]
url = "{github}"
audience = "{audience}"
kind = "github"

[issuers.gitlab]
url = "{gitlab}"
audience = "{audience}"
kind = "gitlab"

[[rules]]
issuer = "github"
claims = {{ repository_id = "74012345", event_name = "push", ref = "refs/heads/*" }}
repositories = ["octo/*"]
actions = ["pull", "push"]

[[rules]]
issuer = "gitlab"
claims = {{ project_id = "20", ref = "main", ref_protected = "true" }}
repositories = ["group/*"]
actions = ["pull", "push"]
"""

NGINX = (
    NGINX_START
    + """\
  log_format visits '$status $request_method $request_uri';
  access_log {directory}/visits.log visits;
  server {{
    listen {address}:443 ssl;
    server_name {host};
    ssl_certificate {directory}/server.pem;
    ssl_certificate_key {directory}/server.pem;
    client_max_body_size 0;
    proxy_http_version 1.1;
    proxy_request_buffering off;
    proxy_set_header Host $host;
    proxy_set_header X-Forwarded-Proto https;
    location /v2/ {{ proxy_pass http://{backend}; }}
    location /token {{ proxy_pass http://127.0.0.1:5001; }}
  }}
}}
"""
)


@dataclass(frozen=True)
class Chain:
    """Variables of the jobs by CI system, tokens of the twins, and the access log.

    A twin is a token in which one claim, or the key, differs from the job's token.
    """

    world: World
    audience: str
    jobs: dict[str, dict[str, str]]
    twins: dict[str, dict[str, str]]

    def twin(self, system: str, name: str) -> dict[str, str]:
        """Return the job's variables with a twin's token."""
        return self.jobs[system] | {
            "GITHUB_ACTIONS": "",
            "GITLAB_CI": "",
            "DOCKCRED_OIDC_TOKEN_VARIABLE": "JOB_TOKEN",
            "JOB_TOKEN": self.twins[system][name],
        }

    def visits(self) -> list[str]:
        """Return each request to registry and token service: status, method, target."""
        return (self.world.directory / "visits.log").read_text().splitlines()


def make_certificates(directory: Path) -> Path:
    """Write a certificate for the host; return the file of the temporary CA."""
    authority = trustme.CA()
    server = authority.issue_cert(HOST)
    server.private_key_and_cert_chain_pem.write_to_path(directory / "server.pem")
    authority.cert_pem.write_to_path(directory / "ca.pem")
    return directory / "ca.pem"


@contextmanager
def open_chain(world: World, helper_bin: Path) -> Iterator[Chain]:
    """Run all servers of the chain in the world."""
    directory = world.directory
    said = directory / "ci.json"
    service = directory / "token-service.toml"
    dockcred = str(helper_bin / "dockcred")
    script = str(Path(__file__).with_name("ci_server.py"))
    with ExitStack() as stack:
        # One after the other: each needs files that the one before has written.
        stack.enter_context(
            world.server(sys.executable, script, str(said), ready=said.exists)
        )
        ci: dict[str, Any] = json.loads(said.read_text())
        words = {"directory": directory, "host": HOST, "address": ADDRESS}
        words |= {"backend": BACKEND}
        words |= {"audience": ci["audience"], **ci["issuers"]}
        service.write_text(TOKEN_SERVICE.format_map(words))
        command = (dockcred, "token-service")
        world.check(*command, "keygen", "--keys", f"{directory}/keys")
        world.check(
            *(*command, "write-registry-config", str(directory)),
            *("--config", str(service), "--realm", REALM),
        )
        registry, nginx = directory / "registry.yml", directory / "nginx.conf"
        registry.write_text(
            REGISTRY_CONFIG.format_map(words) + (directory / "auth.yml").read_text()
        )
        nginx.write_text(NGINX.format_map(words))
        for argv, port in (
            ((*command, "--config", str(service), "--listen", "127.0.0.1:5001"), 5001),
            ((program("docker-registry"), "serve", str(registry)), 5000),
            ((program("nginx"), "-e", "stderr", "-c", str(nginx)), 443),
        ):
            stack.enter_context(
                world.server(*argv, ready=lambda port=port: world.listening(port))
            )
        yield Chain(world, ci["audience"], ci["jobs"], ci["twins"])
