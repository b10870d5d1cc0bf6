"""Services that verify a job's token, and exchange it for a registry's password."""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from dockcred.testing.sandbox.ci.issuer import Issuer, document
from dockcred.testing.sandbox.messages import Request, Response
from dockcred.testing.sandbox.service import Reason, Refusal, Service

if TYPE_CHECKING:
    from dockcred.testing.sandbox.ci import CI

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
JWT = "urn:ietf:params:oauth:token-type:jwt"
LIFE_S = 3600


@dataclass
class Trust:
    """The tokens that an exchange accepts: of one issuer, subject and audience."""

    issuer: Issuer
    subject: str
    audience: str


@dataclass(frozen=True)
class Given:
    """What a password is valid for, and until when in epoch seconds."""

    username: str
    hosts: frozenset[str]
    expires_at: float


class Exchange(Service):
    """One exchange; `trusted` maps the name a caller gives to the tokens accepted."""

    path: ClassVar[str]
    host: ClassVar[str]
    hosts: ClassVar[frozenset[str]]
    """The registries that accept its passwords."""

    def __init__(self, ci: CI, name: str, audience: str) -> None:
        self._ci = ci
        subject = str(ci.github.job["sub"])
        self.trusted = {name: Trust(ci.github, subject, audience)}
        self.given: dict[str, Given] = {}

    def has_host(self, host: str) -> bool:
        """See Service."""
        return host == self.host

    def recognises(self, request: Request) -> bool:
        """See Service."""
        return request.path == self.path and request.host == self.host

    def operation(self, request: Request) -> str:
        """See Service."""
        return "exchange" if request.path == self.path else "unknown"

    def refuse(self, refusal: Refusal) -> Response:
        """Return a refusal as RFC 6749 does; the description may quote the token."""
        statuses = {Reason.THROTTLED: (429, "slow_down"), Reason.BROKEN: (500, "")}
        status, code = statuses.get(refusal.reason, (400, "invalid_grant"))
        if refusal.reason is Reason.UNSIGNED:
            status, code = 401, "invalid_client"
        return document({"error": code, "error_description": refusal.message}, status)

    def admits(self, username: str, password: str, host: str, now: float) -> bool:
        """Return whether a registry would accept the password."""
        given = self.given.get(password)
        return (
            given is not None
            and username == given.username
            and host in given.hosts
            and now < given.expires_at
        )

    def verify(self, name: str, token: str, now: float) -> None:
        """Raise Refusal unless `name` is trusted with this token."""
        trust = self.trusted.get(name)
        if trust is None:
            raise Refusal(Reason.UNKNOWN_KEY, f"nobody is called {name}")
        claims = trust.issuer.verify(token, audience=trust.audience, now=now)
        if claims["sub"] != trust.subject:
            raise Refusal(Reason.DENIED, f"no rule for {claims['sub']} in {token}")

    def give(self, username: str, ends: float, password: str = "") -> str:
        """Return a password for the registries, valid until `ends`."""
        password = password or f"given-{secrets.token_hex(20)}"
        self.given[password] = Given(username, self.hosts, ends)
        return password

    def signed(self, audience: str, ends: float, **claims: object) -> str:
        """Return a password that is a JWT, and holds its own expiry."""
        return self._ci.generic.token(audience, exp=int(ends), **claims)


class DockerHub(Exchange):
    """identity.docker.com: an organisation's OIDC connections."""

    name = "docker-identity"
    path = "/oauth/token"
    host = "identity.docker.com"
    hosts = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})
    connection = "7d5f5a36-2c3e-4f0e-8a5c-8c9a1be5a001"
    organisation = "octo"

    def __init__(self, ci: CI) -> None:
        super().__init__(ci, self.connection, "https://identity.docker.com")

    def answer(self, request: Request, now: float) -> Response:
        """See Service."""
        form = _exchange_form(request)
        _need(form.get("subject_token_type") == ID_TOKEN, "an ID token is wanted")
        life = form.get("expires_in", "")
        _need(life.isdecimal() and int(life) in range(300, LIFE_S + 1), "expires_in")
        self.verify(form.get("connection_id", ""), form.get("subject_token", ""), now)
        password = self.give(self.organisation, now + int(life))
        return document({"access_token": password, "expires_in": int(life)})


class Quay(Exchange):
    """quay.io: robot accounts with a federation."""

    name = "quay"
    path = "/oauth2/federation/robot/token"
    host = "quay.io"
    hosts = frozenset({"quay.io"})
    robot = "octo+builder"

    def __init__(self, ci: CI) -> None:
        super().__init__(ci, self.robot, "https://quay.io")

    def answer(self, request: Request, now: float) -> Response:
        """See Service."""
        _need(request.method == "GET", "GET is what is served here")
        scheme, _, coded = request.header("authorization").partition(" ")
        try:
            robot, _, token = base64.b64decode(coded).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            robot = token = ""
        if scheme.lower() != "basic":
            raise Refusal(Reason.UNSIGNED, "Basic authentication is wanted")
        self.verify(robot, token, now)
        ends = now + LIFE_S
        return document({"token": self.give(robot, ends, self.signed(robot, ends))})


class Chainguard(Exchange):
    """issuer.enforce.dev: assumable identities."""

    name = "chainguard"
    path = "/sts/exchange"
    host = "issuer.enforce.dev"
    hosts = frozenset({"cgr.dev"})
    identity = "720909c9f5279097d847ad02a2f24ba8f59de36a/a033a6fabe0bfa0d"

    def __init__(self, ci: CI) -> None:
        super().__init__(ci, self.identity, "cgr.dev")

    def answer(self, request: Request, now: float) -> Response:
        """See Service."""
        scheme, _, token = request.header("authorization").partition(" ")
        if scheme.lower() != "bearer":
            raise Refusal(Reason.UNSIGNED, "Bearer authentication is wanted")
        asked = request.parameters
        _need(asked.get("aud") == "cgr.dev", "aud is cgr.dev")
        self.verify(asked.get("identity", ""), token, now)
        ends = now + LIFE_S
        return document(
            {"token": self.give("user", ends, self.signed("cgr.dev", ends))}
        )


class TokenExchange(Exchange):
    """An endpoint of RFC 8693, at its own host name or on the loopback."""

    name = "sts"
    path = "/ci/sts/token"
    host = "sts.example.com"
    hosts = frozenset({"registry.example.com"})
    client = "registry-client"
    scope = "registry:push"
    tells_expiry = True

    def __init__(self, ci: CI) -> None:
        super().__init__(ci, self.client, "https://sts.example.com")

    def recognises(self, request: Request) -> bool:
        """See Service."""
        return request.path == self.path

    def answer(self, request: Request, now: float) -> Response:
        """See Service."""
        form = _exchange_form(request)
        _need(form.get("subject_token_type") in {ID_TOKEN, JWT}, "an ID token")
        _need(form.get("audience") == "registry.example.com", "audience")
        _need(form.get("scope") == self.scope, "scope")
        self.verify(form.get("client_id", ""), form.get("subject_token", ""), now)
        fields: dict[str, object] = {
            "access_token": self.give("JWT", now + LIFE_S),
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "token_type": "Bearer",
        }
        return document(fields | ({"expires_in": LIFE_S} if self.tells_expiry else {}))


def _exchange_form(request: Request) -> dict[str, str]:
    form = request.form
    _need(request.method == "POST", "POST is what is served here")
    _need(form.get("grant_type") == GRANT, json.dumps(form))
    return form


def _need(holds: bool, what: str) -> None:
    if not holds:
        raise Refusal(Reason.INVALID, what)
