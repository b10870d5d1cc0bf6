"""Which broken connections are retried, and how often: as in botocore's standard mode.

Both sides ask the same sandbox with failures, and the connections are counted.
"""

from __future__ import annotations

import time
from types import SimpleNamespace

import botocore.endpoint
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from support.differential import meant
from support.program import wait_until

from dockcred.errors import TransportError
from dockcred.system import process
from dockcred.system.environment import Environment
from dockcred.testing.sandbox import Sandbox
from dockcred.transport import http
from dockcred.transport.http import probe, request

ECR = "https://api.ecr.eu-west-1.amazonaws.com/"
TARGET = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"
AGREED = ("reset", "closed", "garbage", "no-tls", "proxy-busy")
LASTING = ("refuse", "wrong-certificate", "proxy-page")
"""Lasting failures, which botocore retries and we do not: docs/differences.md."""


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch) -> None:
    monkeypatch.setattr(http, "_FIRST_PAUSE_S", 0.0)
    monkeypatch.setattr(process, "_ends_at", float("inf"))
    quick = SimpleNamespace(sleep=lambda _: None, time=time.time)
    monkeypatch.setattr(botocore.endpoint, "time", quick)


def ours(cloud: Sandbox) -> None:
    headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": TARGET}
    environment = Environment(cloud.environment())
    request("POST", ECR, environment, headers=headers, body=b"{}")


def theirs(cloud: Sandbox, monkeypatch) -> None:
    for name, value in cloud.environment().items():
        monkeypatch.setenv(name, value)
    config = Config(retries={"mode": "standard"}, connect_timeout=3, read_timeout=5)
    client = botocore.session.Session().create_client("ecr", config=config)
    client.get_authorization_token()


def connections(cloud: Sandbox, awaited: int = http.ATTEMPTS) -> int:
    """Return the number of attempts; botocore may make several on one connection."""

    def found() -> int:
        # A connection that is closed at once may end before its request is read.
        return max(
            cloud.calls["ecr:GetAuthorizationToken"], cloud.calls["proxy:CONNECT"]
        )

    # The sandbox may count the last attempt only after the client has seen its end.
    wait_until(lambda: found() >= awaited)
    time.sleep(0.1)  # for an attempt too many
    return found()


@pytest.mark.parametrize("kind", sorted({*AGREED, *LASTING}))
def test_a_break_is_tried_as_often_as_botocore_does(kind, cloud, monkeypatch):
    cloud.fail(f"ecr:{kind}")
    with pytest.raises(TransportError):
        ours(cloud)
    own = connections(cloud, 1 if kind in LASTING else http.ATTEMPTS)
    cloud.reset()
    with pytest.raises((BotoCoreError, ClientError)):
        theirs(cloud, monkeypatch)
    assert connections(cloud) == http.ATTEMPTS
    agreed = own == http.ATTEMPTS
    assert agreed or (own, meant("lasting")) == (1, "lasting")
    assert agreed == (kind not in LASTING)


def test_half_an_answer_is_none(cloud, monkeypatch):
    cloud.fail("ecr:half:1")
    ours(cloud)
    asked = connections(cloud, 2)
    cloud.reset()
    cloud.fail("ecr:half:1")
    theirs(cloud, monkeypatch)
    assert (asked, connections(cloud, 1), meant("half")) == (2, 1, "half")


@pytest.mark.parametrize("kind", ["reset", "no-tls"])
@pytest.mark.parametrize("times", [1, 2])
def test_a_passing_break_is_none(kind, times, cloud):
    cloud.fail(f"ecr:{kind}:{times}")
    ours(cloud)


def test_the_first_cause_is_told(cloud):
    for kind in ("half", "reset", "closed"):
        cloud.fail(f"ecr:{kind}:1")
    with pytest.raises(TransportError, match="half-way"):
        ours(cloud)


def test_what_lasts_ends_the_attempts(cloud):
    for kind in ("reset:1", "wrong-certificate"):
        cloud.fail(f"ecr:{kind}")
    with pytest.raises(TransportError, match="certificate"):
        ours(cloud)


def test_a_name_that_nobody_has_is_asked_once(monkeypatch):
    tried = []
    monkeypatch.setattr(http, "_exchange", count(http._exchange, tried))
    with pytest.raises(TransportError, match="not resolved"):
        request("GET", "https://nobody.invalid/", Environment({}), headers={})
    assert len(tried) in {1, http.ATTEMPTS}  # without a resolver: EAI_AGAIN


def count(function, calls):
    def counted(*arguments):
        calls.append(arguments)
        return function(*arguments)

    return counted


def test_no_attempt_begins_that_the_call_has_no_time_for(cloud, monkeypatch):
    monkeypatch.setattr(process, "_ends_at", time.monotonic() + 0.9)
    cloud.fail("ecr:reset")
    with pytest.raises(TransportError):
        ours(cloud)
    assert cloud.calls["ecr:GetAuthorizationToken"] == 1


def test_a_later_attempt_ends_before_the_call_does(cloud, monkeypatch):
    """So the error names the cause, and not the call's timeout."""
    monkeypatch.setattr(process, "_ends_at", time.monotonic() + 2)
    cloud.fail("ecr:reset:1")
    cloud.fail("ecr:hang")
    with pytest.raises(TransportError, match="broke|ended"):
        ours(cloud)
    assert process.remaining_s() > 0


def test_each_attempt_is_signed_anew(cloud):
    """A signature holds its time, and is valid for five minutes."""
    made = []
    cloud.fail("ecr:reset:2")
    environment = Environment(cloud.environment())
    request("POST", ECR, environment, headers=lambda: made.append(1) or {}, body=b"{}")
    assert len(made) >= http.ATTEMPTS


@pytest.mark.parametrize("kind, times", [("reset", 3), ("half", 3), ("hang", 1)])
def test_a_probe_is_repeated_where_somebody_is(kind, times, cloud):
    cloud.fail(f"imds:{kind}")
    with pytest.raises(TransportError):
        probe("GET", f"{cloud.url}/latest/x", Environment({}), headers={}, timeout_s=1)
    assert sum(cloud.calls.values()) - cloud.calls["imds:refused"] == times


def test_a_probe_of_nobody_is_one(cloud, monkeypatch):
    tried: list[object] = []
    monkeypatch.setattr(http, "_exchange", count(http._exchange, tried))
    with pytest.raises(TransportError, match="did not answer"):
        probe(
            "GET",
            f"http://{cloud.silent()}/",
            Environment({}),
            headers={},
            timeout_s=0.3,
        )
    assert len(tried) == 1


def azure_identity(cloud: Sandbox, monkeypatch) -> None:
    """Ask Entra by azure-identity, with its own retries."""
    identity = pytest.importorskip("azure.identity")
    from azure.core.pipeline.transport import RequestsTransport

    monkeypatch.setattr(RequestsTransport, "sleep", lambda *_: None)
    environment = cloud.environment("azure-client-secret")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    credential = identity.EnvironmentCredential(
        connection_verify=environment["SSL_CERT_FILE"], disable_instance_discovery=True
    )
    with pytest.raises(Exception, match="Authentication failed"):
        credential.get_token("https://containerregistry.azure.net/.default")


def google_auth(cloud: Sandbox, monkeypatch) -> None:
    """Ask Google's token endpoint by google-auth, with its own retries."""
    requests = pytest.importorskip("google.auth.transport.requests")
    from google.auth.exceptions import TransportError as BrokenError
    from google.oauth2 import service_account

    environment = cloud.environment("google-service-account")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    credentials = service_account.Credentials.from_service_account_file(
        environment["GOOGLE_APPLICATION_CREDENTIALS"], scopes=["scope"]
    )
    with pytest.raises(BrokenError):
        credentials.refresh(requests.AuthorizedSession(credentials)._auth_request)


@pytest.mark.parametrize(
    "name, order, ask, times",
    [
        ("attempts-azure", "entra:reset", azure_identity, 4),
        ("attempts-google", "google-oauth:half", google_auth, 1),
    ],
)
def test_the_other_sdks_have_numbers_of_their_own(
    name, order, ask, times, cloud, monkeypatch
):
    assert name in {meant("attempts-azure"), meant("attempts-google")}
    cloud.fail(order)
    ask(cloud, monkeypatch)
    service = order.partition(":")[0]
    asked = {c: n for c, n in cloud.calls.items() if c.startswith(f"{service}:")}
    asked.pop(f"{service}:refused", None)
    assert sum(asked.values()) == times
    assert times != http.ATTEMPTS
