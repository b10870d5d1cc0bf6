"""Debian's docker-registry in place of the clouds', behind TLS and authentication."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import trustme
from support.program import BUSY_S

from dockcred.testing.sandbox.azure import ISSUER

from .parts import program
from .world import ADDRESS, World

ACCOUNT_HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
OTHER_ACCOUNT_HOST = "210987654321.dkr.ecr.eu-west-1.amazonaws.com"
AZURE_HOST = "contoso.azurecr.io"
GOOGLE_HOST = "europe-docker.pkg.dev"
GITHUB_HOST = "ghcr.io"
GITLAB_HOST = "registry.gitlab.com"
OPEN_HOSTS = (
    "public.ecr.aws",
    "gcr.io",
    "fabrikam.azurecr.io",
    "docker.pkg.github.com",
    "registry.example",
)
# Docker Hub's hosts. They accept one account; no cloud's identity opens them.
HUB_HOSTS = ("registry-1.docker.io", "index.docker.io")
HUB_USER, HUB_PASSWORD = "me", "p/w+="
HOSTS = (
    *(ACCOUNT_HOST, OTHER_ACCOUNT_HOST, AZURE_HOST, GOOGLE_HOST, GITHUB_HOST),
    GITLAB_HOST,
    *OPEN_HOSTS,
    *HUB_HOSTS,
)
BACKEND = "127.0.0.1:5000"
TOKEN_BACKEND = "127.0.0.1:5001"

REGISTRY_CONFIG = """\
version: 0.1
log: {{level: warn}}
storage:
  filesystem: {{rootdirectory: "{directory}/images"}}
http: {{addr: "{backend}"}}
"""

# Like Azure's registries, this one sends clients to its own token service.
TOKEN_REGISTRY_CONFIG = (
    REGISTRY_CONFIG
    + """\
auth:
  token:
    realm: https://{host}/oauth2/token
    service: {host}
    issuer: {issuer}
    rootcertbundle: {directory}/azure.pem
"""
)

NGINX_START = """\
daemon off;
user root;
worker_processes 1;
pid {directory}/nginx.pid;
error_log stderr;
events {{}}
http {{
  client_body_temp_path {directory}/nginx-body;
  proxy_temp_path {directory}/nginx-proxy;
  fastcgi_temp_path {directory}/nginx-fastcgi;
  uwsgi_temp_path {directory}/nginx-uwsgi;
  scgi_temp_path {directory}/nginx-scgi;
"""

NGINX_CONFIG = (
    NGINX_START
    + """\
  log_format visits '$remote_user $status $host $request_method $uri';
  access_log {directory}/visits.log visits;
  server {{
    listen {address}:443 ssl;
    ssl_certificate {directory}/server.pem;
    ssl_certificate_key {directory}/server.pem;
    client_max_body_size 0;
    location /v2/ {{
      auth_request /registry-auth;
      # Said with a refusal too: docker 20.10 takes no registry for one without.
      proxy_hide_header Docker-Distribution-Api-Version;
      add_header Docker-Distribution-Api-Version registry/2.0 always;
      proxy_pass http://{backend};
      proxy_http_version 1.1;
      proxy_request_buffering off;
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-Proto https;
      proxy_set_header Authorization "";
    }}
    location = /registry-auth {{
      internal;
      proxy_pass {cloud}/registry-auth;
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
      proxy_set_header X-Registry-Host $host;
    }}
  }}
  server {{
    listen {address}:443 ssl;
    server_name {host};
    ssl_certificate {directory}/server.pem;
    ssl_certificate_key {directory}/server.pem;
    client_max_body_size 0;
    proxy_http_version 1.1;
    proxy_set_header Host $host;
    location /v2/ {{
      proxy_pass http://{token_backend};
      proxy_request_buffering off;
      proxy_set_header X-Forwarded-Proto https;
    }}
    location /oauth2/ {{ proxy_pass {cloud}; }}
  }}
  server {{
    listen {address}:443 ssl;
    server_name {open_hosts};
    ssl_certificate {directory}/server.pem;
    ssl_certificate_key {directory}/server.pem;
    location /v2/ {{
      proxy_pass http://{backend};
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-Proto https;
      proxy_set_header Authorization "";
    }}
  }}
  server {{
    listen {address}:443 ssl;
    server_name {hub_hosts};
    ssl_certificate {directory}/server.pem;
    ssl_certificate_key {directory}/server.pem;
    location /v2/ {{
      auth_basic "Docker Hub";
      auth_basic_user_file {directory}/hub-users;
      add_header Docker-Distribution-Api-Version registry/2.0 always;
      proxy_hide_header Docker-Distribution-Api-Version;
      proxy_pass http://{backend};
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-Proto https;
      proxy_set_header Authorization "";
    }}
  }}
}}
"""
)


class Visits:
    """The lines of the registry's log since the creation of this object."""

    def __init__(self, world: World) -> None:
        """Skip the log's earlier lines; wait, as a line may follow its client's end."""
        self._log = world.directory / "visits.log"
        self._start = -1
        while self._start != (size := self._log.stat().st_size):
            self._start = size
            time.sleep(0.05)

    def seen(self, user: str, status: int) -> bool:
        """Return whether `user` ("-": nobody) got `status`; wait BUSY_S for the log."""
        deadline = time.monotonic() + BUSY_S
        while not (seen := f"\n{user} {status} " in f"\n{self._news()}"):
            if time.monotonic() > deadline:
                break
            time.sleep(0.02)
        return seen

    def authenticated(self) -> bool:
        """Return whether a request with a valid password of the user AWS was seen."""
        return "\nAWS 2" in f"\n{self._news()}"

    def _news(self) -> str:
        return self._log.read_text()[self._start :]


def make_certificates(directory: Path, *more: str) -> Path:
    """Write a certificate for HOSTS and `more`; return the temporary CA's file."""
    authority = trustme.CA()
    server = authority.issue_cert(*HOSTS, *more)
    server.private_key_and_cert_chain_pem.write_to_path(directory / "server.pem")
    authority.cert_pem.write_to_path(directory / "ca.pem")
    return directory / "ca.pem"


@contextmanager
def open_registry(world: World, cloud: str, certificate: str) -> Iterator[None]:
    """Serve HOSTS; the sandbox at the URL `cloud` says whether a password is valid.

    Azure's host trusts access tokens that were signed by `certificate`'s key.
    """
    words = {
        "directory": world.directory,
        "backend": BACKEND,
        "address": ADDRESS,
        "cloud": cloud,
        "host": AZURE_HOST,
        "open_hosts": " ".join(OPEN_HOSTS),
        "hub_hosts": " ".join(HUB_HOSTS),
        "issuer": ISSUER,
        "token_backend": TOKEN_BACKEND,
    }
    registry = world.directory / "registry.yml"
    registry.write_text(REGISTRY_CONFIG.format_map(words))
    (world.directory / "azure.pem").write_text(certificate)
    users = world.directory / "hub-users"
    users.write_text(f"{HUB_USER}:{{PLAIN}}{HUB_PASSWORD}\n")
    with_tokens = world.directory / "token-registry.yml"
    words["backend"], backend = TOKEN_BACKEND, BACKEND
    with_tokens.write_text(TOKEN_REGISTRY_CONFIG.format_map(words))
    words["backend"] = backend
    nginx = world.directory / "nginx.conf"
    nginx.write_text(NGINX_CONFIG.format_map(words))
    with (
        world.server(
            *(program("docker-registry"), "serve", str(registry)),
            ready=lambda: world.listening(5000),
        ),
        world.server(
            *(program("docker-registry"), "serve", str(with_tokens)),
            ready=lambda: world.listening(5001),
        ),
        world.server(
            *(program("nginx"), "-e", "stderr", "-c", str(nginx)),
            ready=lambda: world.listening(443),
        ),
    ):
        yield
