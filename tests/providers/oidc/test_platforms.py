"""JFrog and Cloudsmith: our requests and answers are compared with their own clients.

JFrog's client is jfrog-client-go, the library of `jf` (tests/oracles/jfrog).
Cloudsmith's is cloudsmith-cli of PyPI; its docker helper also exchanges a job's token.
"""

from __future__ import annotations

import base64
import http.server
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from importlib.util import find_spec

import pytest
from support import oracles
from support.differential import meant
from support.program import BUSY_S, NOT_FOUND, Program
from support.real import missing

from dockcred.credential import ServerURL
from dockcred.errors import DockcredError
from dockcred.identity.config.load import Pattern
from dockcred.providers.oidc import platforms
from dockcred.providers.oidc.id_token import IDToken
from dockcred.system.environment import Environment
from dockcred.testing.sandbox import Sandbox

hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies

IDENTITIES = ("ci-github", "ci-gitlab", "ci-kubernetes", "ci-circleci", "ci-buildkite")


@pytest.fixture
def cloud():
    """Real host names: the exchange is at the registry's host or at a fixed one."""
    with Sandbox(tls=True) as sandbox:
        yield sandbox


@pytest.fixture
def auto(helper_bin) -> Program:
    return Program(str(helper_bin / "docker-credential-auto"))


def job(cloud, kind: str, identity: str = "ci-github", **more: str) -> dict[str, str]:
    """Return the variables of a job: the exchange `kind`, for both platforms' hosts."""
    platform = getattr(cloud.ci, kind)
    trust = next(iter(platform.trusted.values()))
    cloud.ci.audience = trust.audience
    environment = cloud.environment(identity)
    issuers = {"ci-gitlab": cloud.ci.gitlab, "ci-kubernetes": cloud.ci.kubernetes}
    issuers |= {"ci-circleci": cloud.ci.circleci, "ci-buildkite": cloud.ci.buildkite}
    if issuer := issuers.get(identity):
        trust.issuer, trust.subject = issuer, str(issuer.job["sub"])
    named = {
        "jfrog": cloud.ci.jfrog.provider,
        "cloudsmith": cloud.ci.cloudsmith.service,
    }
    return environment | {
        "DOCKCRED_OIDC_HOSTS": ",".join(platform.hosts),
        "DOCKCRED_OIDC_EXCHANGE": kind,
        "DOCKCRED_OIDC_EXCHANGE_AS": named[kind],
        "DOCKCRED_OIDC_AUDIENCE": trust.audience,
        **more,
    }


def login(answer) -> tuple[str, str]:
    fields = json.loads(answer.stdout)
    return fields["Username"], fields["Secret"]


@pytest.mark.parametrize("identity", IDENTITIES)
@pytest.mark.parametrize(
    ("kind", "host"),
    [("jfrog", "acme.jfrog.io"), ("cloudsmith", "docker.cloudsmith.io")],
)
def test_a_job_of_every_ci_system_gets_in(kind, host, identity, cloud, oidc):
    answer = oidc.get(job(cloud, kind, identity), host)
    user, password = login(answer)
    assert cloud.ci.admits(user, password, host, time.time())
    assert user == {"jfrog": "ci-builder", "cloudsmith": "token"}[kind]


def test_a_platform_of_one_s_own_is_asked_where_the_registry_is_or_is_said(cloud, oidc):
    environment = job(cloud, "jfrog")
    assert oidc.get(environment, cloud.ci.jfrog.own_host).status == 0
    assert cloud.requests[-1].host == cloud.ci.jfrog.own_host
    environment["DOCKCRED_OIDC_EXCHANGE_URL"] = "https://artifactory.example.com/"
    answer = oidc.get(environment, "docker.example.com")
    assert cloud.ci.admits(*login(answer), "docker.example.com", time.time())
    assert {request.host for request in cloud.requests[-2:]} == {
        cloud.ci.github.service_host,
        cloud.ci.jfrog.own_host,
    }


def test_a_registry_with_a_name_of_one_s_own_gets_cloudsmith_s_token(cloud, oidc):
    answer = oidc.get(job(cloud, "cloudsmith"), "docker.acme.example")
    assert cloud.ci.admits(*login(answer), "docker.acme.example", time.time())
    assert cloud.requests[-1].host == "api.cloudsmith.io"


@pytest.mark.parametrize("kind", ["jfrog", "cloudsmith"])
@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://{host}", "plain http to {host} is refused"),
        ("https://evil@{host}", "not an https URL"),
        ("https://{host}?to=", "no platform's URL"),
        ("https://{host} x", "no platform's URL"),
        ("ftp://{host}", "not an https URL"),
    ],
)
def test_a_url_that_would_lead_elsewhere_is_refused(kind, url, words, cloud, oidc):
    platform = getattr(cloud.ci, kind)
    host = next(iter(platform.hosts))
    environment = job(cloud, kind)
    environment["DOCKCRED_OIDC_EXCHANGE_URL"] = url.format(host=platform.host)
    assert words.format(host=platform.host) in oidc.get(environment, host).said
    assert not cloud.calls
    environment["DOCKCRED_OIDC_EXCHANGE_URL"] = f"https://{platform.host}"
    assert oidc.get(environment, host).status == 0


@pytest.mark.parametrize(
    "host",
    [
        *(
            "api.cloudsmith.io.evil.example",
            "evilcloudsmith.io",
            "cloudsmith.io.example",
        ),
        *("api-cloudsmith.io", "example.com"),
    ],
)
def test_cloudsmith_is_asked_at_no_look_alike(host, cloud, oidc):
    environment = job(cloud, "cloudsmith")
    environment["DOCKCRED_OIDC_EXCHANGE_URL"] = f"https://{host}"
    said = oidc.get(environment, "docker.cloudsmith.io").said
    assert f"{host}, which is no host of Cloudsmith's" in said
    assert not cloud.calls


@pytest.mark.parametrize(
    "named", ["acme", "acme/", "/ci", "a/b/c", "acme/../x", "a/b?c"]
)
def test_a_service_that_is_none_is_told_before_anybody_is_asked(named, cloud, oidc):
    environment = job(cloud, "cloudsmith") | {"DOCKCRED_OIDC_EXCHANGE_AS": named}
    said = oidc.get(environment, "docker.cloudsmith.io").said
    assert "write it as ORGANISATION/SERVICE" in said
    assert not cloud.calls


def test_another_organisation_is_refused(cloud, oidc):
    environment = job(cloud, "cloudsmith", DOCKCRED_OIDC_EXCHANGE_AS="other/ci-x1y2")
    said = oidc.get(environment, "docker.cloudsmith.io").said
    assert "does not accept the token (404)" in said


@pytest.mark.parametrize(
    ("variable", "right", "wrong"),
    [("MAPPING", "ci-reader", "ci-admin"), ("PROJECT", "team", "others")],
)
def test_jfrog_is_told_the_mapping_and_the_project(variable, right, wrong, cloud, oidc):
    environment = job(cloud, "jfrog")
    name = f"DOCKCRED_OIDC_EXCHANGE_{variable}"
    assert "(403)" in oidc.get(environment | {name: wrong}, "acme.jfrog.io").said
    answer = oidc.get(environment | {name: right}, "acme.jfrog.io")
    user = "ci-reader" if variable == "MAPPING" else "ci-builder"
    assert login(answer)[0] == user


def test_what_jfrog_says_of_an_audience_is_told(cloud, oidc):
    environment = job(cloud, "jfrog", DOCKCRED_OIDC_EXCHANGE_AUDIENCE="other")
    said = oidc.get(environment, "acme.jfrog.io").said
    assert "does not accept the token (400, Invalid audience)" in said


def test_a_user_that_the_answer_does_not_name_is_the_token_s(cloud, oidc):
    cloud.ci.jfrog.tells_user = False
    assert login(oidc.get(job(cloud, "jfrog"), "acme.jfrog.io"))[0] == "ci-builder"
    named = job(cloud, "jfrog", DOCKCRED_OIDC_USERNAME="robot")
    assert login(oidc.get(named, "acme.jfrog.io"))[0] == "robot"


@pytest.mark.parametrize("user", ["a:b", "a\\nb", ""])
def test_a_user_that_docker_could_not_send_is_told(user, cloud, oidc, monkeypatch):
    from dockcred.testing.sandbox.messages import Response

    body = f'{{"access_token":"opaque","expires_in":60,"username":"{user}"}}'.encode()
    monkeypatch.setattr(cloud.ci.jfrog, "answer", lambda *_: Response(200, body))
    said = oidc.get(job(cloud, "jfrog"), "acme.jfrog.io").said
    assert "names no user that docker can log in as" in said
    assert "set token_username" in said


@pytest.mark.parametrize(
    ("text", "is_one_owner_s"),
    [
        *(("*.jfrog.io", False), ("*-docker.jfrog.io", False), ("jfrog.io", True)),
        *(("acme.jfrog.io", True), ("*.acme.jfrog.io", True), ("*.example.com", True)),
    ],
)
def test_a_pattern_of_every_customer_s_host_is_none(text, is_one_owner_s):
    """Anybody can have a platform below jfrog.io, and would get the job's token."""
    assert Pattern(text).names_a_domain == is_one_owner_s


CLOUDSMITHS = {
    "CLOUDSMITH_ORG": "acme",
    "CLOUDSMITH_SERVICE_SLUG": "ci-x1y2",
    "CLOUDSMITH_NO_KEYRING": "1",
}
HOSTS = ("docker.cloudsmith.io", "docker.cloudsmith.io.evil.example")


def without_ours(environment: dict[str, str]) -> dict[str, str]:
    return {n: v for n, v in environment.items() if not n.startswith("DOCKCRED_OIDC")}


def cloudsmith(environment: dict[str, str], host: str) -> tuple[str, str] | None:
    """Return user and password of Cloudsmith's docker helper; None if it refuses."""
    if find_spec("cloudsmith_cli") is None:
        missing("cloudsmith-cli is not installed: pip install cloudsmith-cli")
    done = subprocess.run(
        [sys.executable, "-m", "cloudsmith_cli", "credential-helper", "docker"],
        input=host.encode(),
        env=environment | {"REQUESTS_CA_BUNDLE": environment["SSL_CERT_FILE"]},
        capture_output=True,
        timeout=BUSY_S,
        check=False,
    )
    if done.returncode:
        return None
    fields = json.loads(done.stdout)
    return fields["Username"], fields["Secret"]


def asked(cloud) -> list[tuple[object, ...]]:
    """Return the requests, without the tokens, which are new each time."""
    found = []
    for request in cloud.requests:
        fields = json.loads(request.body) if request.body else {}
        fields.pop("oidc_token", None)
        found.append(
            (request.method, request.host, request.path, request.query, fields)
        )
    return found


@pytest.mark.parametrize("host", HOSTS)
def test_the_variables_of_cloudsmith_s_command_line_mean_the_same_here(
    host, cloud, auto
):
    environment = without_ours(job(cloud, "cloudsmith")) | CLOUDSMITHS
    theirs = cloudsmith(environment, host)
    first = asked(cloud)
    cloud.reset()
    ours = auto.get(environment, host)
    if theirs is None:
        assert ours.stdout == NOT_FOUND
        assert not cloud.calls
        return
    user, password = login(ours)
    assert user == theirs[0] == "token"
    assert cloud.ci.admits(user, password, host, time.time())
    assert asked(cloud) == first


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {"CLOUDSMITH_SERVICE_SLUG": "other"},
        {"CLOUDSMITH_ORG": "other"},
        {"CLOUDSMITH_OIDC_AUDIENCE": "other"},
        {"CLOUDSMITH_WORKSPACE": "other"},
    ],
)
def test_cloudsmith_refuses_both_alike(changes, cloud, auto):
    environment = without_ours(job(cloud, "cloudsmith")) | CLOUDSMITHS | changes
    assert cloudsmith(environment, "docker.cloudsmith.io") is None
    first = asked(cloud)
    cloud.reset()
    assert "does not accept the token" in (
        auto.get(environment, "docker.cloudsmith.io").said
    )
    assert asked(cloud) == first


def test_a_job_s_variable_with_the_token_is_read_as_theirs_is(cloud, auto):
    environment = without_ours(job(cloud, "cloudsmith", "ci-nobody")) | CLOUDSMITHS
    environment["CLOUDSMITH_OIDC_TOKEN"] = cloud.ci.github.token("cloudsmith")
    theirs = cloudsmith(environment, "docker.cloudsmith.io")
    assert theirs
    assert login(auto.get(environment, "docker.cloudsmith.io"))[0] == theirs[0]


class Recorder(http.server.BaseHTTPRequestHandler):
    """Record what is posted, and answer what a test says."""

    protocol_version = "HTTP/1.1"
    posted: tuple[str, str, str, object] = ("", "", "", None)
    status, answer = 200, b"{}"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        kind = self.headers["content-type"].partition(";")[0]
        kept = type(self)
        kept.posted = (self.command, self.path, kind, json.loads(body))
        self.send_response(kept.status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(kept.answer)))
        self.end_headers()
        self.wfile.write(kept.answer)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture(scope="module")
def platform() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def jwt(claims: object) -> str:
    """Return an unsigned token; jfrog-client-go can decode its base64."""
    body = base64.b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{body}.c2ln"


names = st.text("abcXYZ019-_.@", min_size=1, max_size=12)
subjects = st.one_of(
    names,
    st.builds("{}/users/{}".format, names, names),
    st.builds("jfrt@{}/{}".format, names, names),
    st.sampled_from(["jfrt@abc", "", "a/users/", "x/y", "/users/a/b"]),
)
tokens = st.one_of(
    st.builds(lambda sub: jwt({"sub": sub}), subjects),
    st.sampled_from(["opaque", "a.b.c", jwt({}), jwt([1]), jwt({"sub": 7})]),
)
answers = st.fixed_dictionaries(
    {"access_token": tokens},
    optional={"username": names, "expires_in": st.integers(1, 9_999)},
)
questions = st.fixed_dictionaries(
    {"provider_name": names},
    optional={
        "audience": names,
        "identity_mapping_name": names,
        "project_key": names,
        "application_key": names,
    },
)
VARIABLES = {
    "provider_name": "AS",
    "audience": "AUDIENCE",
    "identity_mapping_name": "MAPPING",
    "project_key": "PROJECT",
    "application_key": "APPLICATION",
}


def exchanged(url: str, question: dict[str, str], token: str) -> tuple[object, ...]:
    """Return user, password and lifetime in seconds by us; three None for an error."""
    variables = {
        f"DOCKCRED_OIDC_EXCHANGE_{VARIABLES[n]}": v for n, v in question.items()
    }
    variables["DOCKCRED_OIDC_EXCHANGE_URL"] = url
    chosen = platforms.JFrog(ServerURL.parse("acme.jfrog.io"), Environment(variables))
    try:
        given = chosen.credential(IDToken(token, "me", time.time() + 60))
    except DockcredError:
        return None, None, None
    ends = given.expires_at
    life = None if ends is None else round(ends - given.issued_at)
    return given.username, given.secret, life


def test_jfrog_s_own_client_sends_the_same_and_reads_the_same(side_by_side, platform):
    with oracles.conversation("jfrog") as ask:

        def compare(question, answer, status):
            Recorder.status, Recorder.answer = status, json.dumps(answer).encode()
            token = "e30.e30.c2ln"
            mine = exchanged(platform, question, token)
            sent = Recorder.posted
            grant = {
                "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
                "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
                "subject_token": token,
            }
            theirs = ask({**question, **grant, "url": f"{platform}/access/"})
            assert Recorder.posted == sent
            got = theirs["username"], theirs["secret"], theirs["expires"]
            if theirs["error"]:
                got = None, None, None
            if status == 201 and mine[0] and theirs["error"]:
                return meant("jfrog-created-is-given")
            if not theirs["error"] and not theirs["username"]:
                assert mine == (None, None, None)
                return meant("jfrog-user-must-be-known")
            assert mine == got
            return None

        side_by_side(
            compare,
            questions,
            answers,
            st.sampled_from([200] * 6 + [201, 400, 403, 404]),
            shows=lambda ends: ends["alike"] > 50,
        )


def test_jfrog_s_client_is_served_where_ours_is(cloud, oidc):
    """JFrog's client accepts the sandbox's platform, its name and its certificate."""
    environment = job(cloud, "jfrog")
    ours = login(oidc.get(environment, "acme.jfrog.io"))
    program = oracles.program("jfrog")
    platform = cloud.ci.jfrog

    def theirs(**changes: str) -> dict[str, object]:
        question = {
            "url": "https://acme.jfrog.io/access/",
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
            "subject_token": cloud.ci.github.token("jfrog-github"),
            "provider_name": platform.provider,
            **changes,
        }
        done = subprocess.run(
            [program, "-"],
            input=json.dumps(question).encode(),
            env={n: environment[n] for n in ("HTTPS_PROXY", "SSL_CERT_FILE")},
            capture_output=True,
            timeout=BUSY_S,
            check=True,
        )
        return json.loads(done.stdout)

    given = theirs()
    assert given["username"] == ours[0] == "ci-builder"
    assert given["expires"] == 3600
    assert "Invalid audience" in str(theirs(audience="other")["error"])
    assert "403" in str(theirs(identity_mapping_name="other")["error"])
    assert "400" in str(theirs(provider_name="other")["error"])
