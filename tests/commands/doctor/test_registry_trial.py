"""What a registry's answer means: Basic and Bearer, wrong login, no permission."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from dockcred.clients.findings import Finding, Severity
from dockcred.clients.reference import Reference
from dockcred.commands.doctor import registry as registry_trial
from dockcred.commands.doctor.case import Case
from dockcred.commands.doctor.registry import Challenge
from dockcred.credential import Credential
from dockcred.errors import DockcredError
from dockcred.system.environment import Environment

GOOD = Credential("me", "good")
REPOSITORIES = {"team/mine": 200, "team/untagged": 404, "team/theirs": 403}


class Handler(BaseHTTPRequestHandler):
    """A registry that accepts me:good, and denies the repository team/theirs."""

    server: Registry

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        self.server.asked.append(self.path)
        if url.path == "/token":
            scope = parse_qs(url.query).get("scope", [""])[0]
            if not self._is_basic():
                return self._answer(401, {})
            return self._answer(200, {"token": f"for {scope}"})
        allowed = self._is_basic() if self.server.basic else self._is_bearer()
        if not allowed:
            return self._answer(401, {})
        if url.path == "/v2/":
            return self._answer(200, {})
        repository = url.path.removeprefix("/v2/").partition("/manifests/")[0]
        status = REPOSITORIES.get(repository, 404)
        code = "MANIFEST_UNKNOWN" if repository in REPOSITORIES else "NAME_UNKNOWN"
        return self._answer(status, {"errors": [{"code": code}]})

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
        good = form["refresh_token"] == ["good"]
        scope = form["scope"][0]
        self._answer(200 if good else 401, {"access_token": f"for {scope}"})

    def _is_basic(self) -> bool:
        want = base64.b64encode(b"me:good").decode()
        return self.headers.get("authorization") == f"Basic {want}"

    def _is_bearer(self) -> bool:
        said = self.headers.get("authorization", "")
        return said.startswith("Bearer for repository:") and said.endswith(":pull")

    def _answer(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        realm = f"http://127.0.0.1:{self.server.server_port}/token"
        if status == 401:
            kind = (
                'Basic realm="r"'
                if self.server.basic
                else f'Bearer realm="{realm}",service="s"'
            )
            self.send_header("WWW-Authenticate", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


class Registry(ThreadingHTTPServer):
    basic = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []


@contextmanager
def serve(*, basic: bool) -> Iterator[Registry]:
    with Registry() as server:
        server.basic = basic
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(params=["basic", "bearer"])
def registry(request: pytest.FixtureRequest) -> Iterator[Registry]:
    with serve(basic=request.param == "basic") as server:
        yield server


def trial(registry: Registry, repository: str, who: Credential | None) -> Finding:
    name = f"127.0.0.1:{registry.server_port}/{repository}"
    case = Case(Reference(name), Environment({}))
    (found,) = registry_trial.check(case, who)
    return found


@pytest.mark.parametrize(
    "repository, severity, words",
    [
        ("team/mine", Severity.FINE, "lets the credential of me read team/mine"),
        ("team/untagged", Severity.FINE, "lets the credential of me read"),
        ("team/theirs", Severity.ERROR, "missing permission: "),
        ("team/nowhere", Severity.ERROR, "has no repository team/nowhere"),
    ],
)
def test_a_good_credential_is_told_what_it_may_read(
    registry: Registry, repository: str, severity: Severity, words: str
) -> None:
    found = trial(registry, repository, GOOD)
    assert words in found.text
    assert found.severity is severity


def test_a_credential_that_is_not_taken_is_a_wrong_account(registry: Registry) -> None:
    found = trial(registry, "team/mine", Credential("me", "of another"))
    assert found.text.startswith("wrong account: ")
    assert "another" not in found.text.partition("it is")[0]


def test_nobody_is_told_that_a_credential_is_needed(registry: Registry) -> None:
    found = trial(registry, "team/mine", None)
    assert found.severity is Severity.ERROR
    assert "nobody" in found.text


def test_an_identity_token_is_traded_as_docker_does() -> None:
    with serve(basic=False) as registry:
        good = trial(registry, "team/mine", Credential("<token>", "good"))
        bad = trial(registry, "team/mine", Credential("<token>", "ended"))
    assert good.severity is Severity.FINE
    assert bad.text.startswith("wrong account: ")


def test_without_a_repository_the_registry_is_not_asked(registry: Registry) -> None:
    name = f"127.0.0.1:{registry.server_port}"
    case = Case(Reference(name), Environment({}))
    (found,) = registry_trial.check(case, GOOD)
    assert "not asked" in found.text
    assert registry.asked == []


def test_a_realm_without_tls_gets_no_credential() -> None:
    case = Case(Reference("registry.example/team/mine"), Environment({}))
    asking = registry_trial.RegistryProbe(case, GOOD)
    asking.challenge = Challenge('Bearer realm="http://token.example/token"')
    with pytest.raises(DockcredError, match=r"plain http to token\.example is refused"):
        asking.log_in("team/mine")
