"""GitLab in the sandbox: its tokens, the login of its registries, its identities."""

from __future__ import annotations

import json
import secrets
import time
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dockcred.testing.sandbox.home import path_led_by, write_private
from dockcred.testing.sandbox.messages import Request, Response
from dockcred.testing.sandbox.service import Minted, Reason, Refusal, Service, Subject

HOST = "gitlab.com"
SELF_MANAGED = "gitlab.corp.example"
REGISTRIES = {
    "registry.gitlab.com": HOST,
    HOST: HOST,
    "images.corp.example": SELF_MANAGED,
}
USER = "tanuki"
MAX_LIFE_S = 7200
OPENS = frozenset({"api", "read_api", "read_registry", "write_registry"})
"""Scopes that open a registry: GitLab's lib/gitlab/auth.rb, abilities_for_scopes."""

_STATUS = {
    Reason.UNSIGNED: 401,
    Reason.DENIED: 403,
    Reason.UNKNOWN_OPERATION: 404,
    Reason.THROTTLED: 429,
    Reason.BROKEN: 502,
}
_CODES = {Reason.UNSIGNED: "UNAUTHORIZED", Reason.DENIED: "DENIED"}
_PROGRAM = 0o700


@dataclass(frozen=True, slots=True)
class Token:
    """A token of one GitLab; one with a `user` is refused for any other user."""

    instance: str
    scopes: frozenset[str]
    user: str = ""
    expires_at: float = float("inf")

    def is_shown_by(self, user: str, now: float) -> bool:
        """Return whether GitLab accepts the token with this user name at this time."""
        return bool(user) and self.user in {"", user} and now < self.expires_at


class Door(Service):
    """/jwt/auth of each GitLab, where clients log in to its registry."""

    name = "gitlab"

    def __init__(self, gitlab: GitLab) -> None:
        self._gitlab = gitlab

    def has_host(self, host: str) -> bool:
        """See Service."""
        return host in REGISTRIES or host == SELF_MANAGED

    def recognises(self, request: Request) -> bool:
        """See Service."""
        return request.path == "/jwt/auth"

    def operation(self, request: Request) -> str:
        """See Service."""
        return "login" if self.recognises(request) else "unknown"

    def answer(self, request: Request, now: float) -> Response:
        """See Service."""
        service = request.parameters.get("service")
        is_known = request.method == "GET" and service == "container_registry"
        if not is_known or not self.recognises(request):
            raise Refusal(Reason.UNKNOWN_OPERATION, "404 Not Found")
        try:
            shown = b64decode(request.header("authorization").removeprefix("Basic "))
            user, _, password = shown.decode().partition(":")
        except (Base64Error, ValueError):
            user = password = ""
        token = self._gitlab.find(user, password, request.host, now)
        if token is None:
            raise Refusal(Reason.UNSIGNED, "HTTP Basic: Access denied.")
        if token.scopes.isdisjoint(OPENS):
            raise Refusal(Reason.DENIED, "access forbidden")
        return Response(200, b'{"token": "of a registry"}')

    def refuse(self, refusal: Refusal) -> Response:
        """See Service."""
        code = _CODES.get(refusal.reason, "UNKNOWN")
        body = {"errors": [{"code": code, "message": refusal.message}]}
        return Response(_STATUS.get(refusal.reason, 400), json.dumps(body).encode())


def job(gitlab: GitLab, home: Path) -> dict[str, str]:
    """Be a job of gitlab.com's, with its token for the registry and the proxy."""
    del home
    token = gitlab.token("glcbt-", "read_registry", user="gitlab-ci-token")
    return {
        "GITLAB_CI": "true",
        "CI_SERVER_FQDN": HOST,
        "CI_REGISTRY": "registry.gitlab.com",
        "CI_REGISTRY_USER": "gitlab-ci-token",
        "CI_REGISTRY_PASSWORD": token,
        "CI_JOB_TOKEN": token,
        "CI_DEPENDENCY_PROXY_SERVER": "gitlab.com:443",
        "CI_DEPENDENCY_PROXY_USER": "gitlab-ci-token",
        "CI_DEPENDENCY_PROXY_PASSWORD": token,
    }


def token(gitlab: GitLab, home: Path) -> dict[str, str]:
    """Have a personal, project or group access token in GITLAB_TOKEN."""
    del home
    return {"GITLAB_TOKEN": gitlab.token("glpat-", "read_registry")}


def narrow_token(gitlab: GitLab, home: Path) -> dict[str, str]:
    """Have a token in GITLAB_TOKEN that opens no registry."""
    del home
    return {"GITLAB_TOKEN": gitlab.token("glpat-", "read_user")}


def invalid_token(gitlab: GitLab, home: Path) -> dict[str, str]:
    """Have a token in GITLAB_TOKEN that was revoked."""
    del gitlab, home
    return {"GITLAB_TOKEN": "glpat-" + "0" * 20}


def deploy_token(gitlab: GitLab, home: Path) -> dict[str, str]:
    """Have a deploy token in GITLAB_TOKEN, and its user in GLAB_USER."""
    del home
    user = "gitlab+deploy-token-1"
    return {
        "GITLAB_TOKEN": gitlab.token("gldt-", "read_registry", user=user),
        "GLAB_USER": user,
    }


def glab_token(gitlab: GitLab, home: Path) -> dict[str, str]:
    """Be logged in with glab by a token, which is in its file."""
    _write(home, HOST, {"token": gitlab.token("glpat-", "api"), "user": USER})
    return {}


def glab_login(gitlab: GitLab, home: Path) -> dict[str, str]:
    """Be logged in with glab in a browser: a token of OAuth, in its file."""
    token, ends = gitlab.oauth()
    _write(home, HOST, _oauth(token, ends))
    return _glab(gitlab, home, HOST)


def glab_ended(gitlab: GitLab, home: Path) -> dict[str, str]:
    """Be logged in with glab in a browser, by a token that has ended."""
    _write(home, HOST, _oauth(gitlab.oauth(life_s=-60)[0], time.time() - 60))
    return _glab(gitlab, home, HOST)


def glab_keychain(gitlab: GitLab, home: Path) -> dict[str, str]:
    """Be logged in with glab by a token in a keychain, which glab alone reads."""
    _write(home, HOST, {"use_keyring": '"true"', "user": USER})
    return _glab(gitlab, home, HOST)


def glab_self_managed(gitlab: GitLab, home: Path) -> dict[str, str]:
    """Be logged in with glab at one's own GitLab; glab's file names its registry."""
    token = gitlab.token("glpat-", "api", instance=SELF_MANAGED)
    own = {"token": token, "user": USER}
    own["container_registry_domains"] = "images.corp.example"
    _write(home, SELF_MANAGED, own)
    return {}


def nobody(gitlab: GitLab, home: Path) -> dict[str, str]:
    """Have no GitLab identity at all."""
    del gitlab, home
    return {}


def _oauth(token: str, ends: float) -> dict[str, str]:
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ends))
    return {
        "token": token,
        "is_oauth2": '"true"',
        "oauth2_refresh_token": secrets.token_hex(32),
        "oauth2_expiry_date": f'"{when}"',
        "user": USER,
    }


def _text(instance: str, own: dict[str, str]) -> str:
    domains = f"{instance},{instance}:443,registry.{instance}"
    own = {"api_protocol": "https", "container_registry_domains": domains} | own
    lines = "".join(f"        {name}: {value}\n" for name, value in own.items())
    start = "# What protocol to use\ngit_protocol: ssh\nhosts:\n"
    return f"{start}    {instance}:\n{lines}host: {instance}\n"


def _write(home: Path, instance: str, own: dict[str, str]) -> None:
    data = _text(instance, own).encode()
    write_private(home / ".config/glab-cli/config.yml", data, 0o600)


def _glab(gitlab: GitLab, home: Path, instance: str) -> dict[str, str]:
    """Put a glab on PATH that renews its login, and reads its keychain."""
    token, ends = gitlab.oauth()
    renewed = write_private(
        home / "renewed.yml", _text(instance, _oauth(token, ends)).encode(), 0o600
    )
    answer = json.dumps({"ServerURL": "", "Username": USER, "Secret": token})
    kept = gitlab.token("glpat-", "api")
    script = f"""#!/bin/sh
echo "$*" >>"$HOME/glab-calls"
case "$*" in
"auth docker-helper get") cat >/dev/null
    cp "{renewed}" "$HOME/.config/glab-cli/config.yml"; echo '{answer}' ;;
"config get token --host {instance}") echo "{kept}" ;;
*) exit 1 ;;
esac
"""
    program = write_private(home / "bin/glab", script.encode(), _PROGRAM)
    return path_led_by(program.parent)


IDENTITIES: dict[str, Callable[[GitLab, Path], dict[str, str]]] = {
    f"gitlab-{identity.__name__.replace('_', '-')}": identity
    for identity in (
        *(job, token, narrow_token, invalid_token, deploy_token),
        *(glab_token, glab_login, glab_ended, glab_keychain, glab_self_managed),
        nobody,
    )
}


class GitLab:
    """Two GitLabs, gitlab.com and a company's own, and their tokens."""

    identities = IDENTITIES
    subject = Subject(
        provider="gitlab",
        hosts=("registry.gitlab.com", HOST),
        nobody="gitlab-nobody",
        somebody="gitlab-glab-login",
    )
    needs_tls = True

    def __init__(self, life_s: float) -> None:
        self.life_s = min(life_s, MAX_LIFE_S)
        self.tokens: dict[str, Token] = {}
        self.services: tuple[Service, ...] = (Door(self),)

    def token(
        self, start: str, *scopes: str, user: str = "", instance: str = HOST
    ) -> str:
        """Issue a token without expiry."""
        value = start + secrets.token_hex(10)
        self.tokens[value] = Token(instance, frozenset(scopes), user)
        return value

    def oauth(self, life_s: float | None = None) -> tuple[str, float]:
        """Issue an OAuth token, as glab's login does; return it with its expiry."""
        ends = time.time() + (self.life_s if life_s is None else life_s)
        value = secrets.token_hex(32)
        self.tokens[value] = Token(HOST, frozenset({"api"}), expires_at=ends)
        return value, ends

    def find(self, user: str, password: str, instance: str, now: float) -> Token | None:
        """Return the token of a GitLab; None if it refuses user or password."""
        token = self.tokens.get(password)
        is_known = token and token.instance == instance and token.is_shown_by(user, now)
        return token if is_known else None

    def environment(
        self, identity: str, *, home: Path, url: str, tls: bool
    ) -> dict[str, str]:
        """Write the identity's files below `home` and return its variables."""
        del url, tls  # its clients always use the real host name
        return IDENTITIES[identity](self, home)

    def minted(self, password: str) -> Minted | None:
        """Return what a registry password was issued for; None if it is unknown."""
        token = self.tokens.get(password)
        if token is None:
            return None
        host = f"registry.{HOST}"
        return Minted("gitlab", "", host, token.instance, USER, "", token.expires_at)

    def admits(self, username: str, password: str, host: str, now: float) -> bool:
        """Return whether the registry at this host would accept the password."""
        instance = REGISTRIES.get(host.lower().partition(":")[0], "")
        token = self.find(username, password, instance, now)
        return token is not None and not token.scopes.isdisjoint(OPENS)


CLOUD = GitLab
