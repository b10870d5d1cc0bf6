"""The metadata server is absent, another cloud's, hangs, lacks scopes, or changes."""

from __future__ import annotations

import socket
import socketserver
import threading
import time
from contextlib import contextmanager

import pytest
from google.auth import compute_engine
from google.auth.compute_engine import _metadata
from google.auth.transport.requests import Request
from support.program import BUSY_S, LONG_S

from dockcred.testing.sandbox.google.principals import email

from .conftest import NOT_FOUND

NARROW = ["https://www.googleapis.com/auth/logging.write"]


@pytest.fixture
def silent():
    """A server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held = []
        threading.Thread(target=lambda: _accept(server, held), daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        for connection in held:
            connection.close()


def _accept(server, held):
    while True:
        try:
            held.append(server.accept()[0])
        except OSError:
            return


def at(environment, host):
    return environment | {"GCE_METADATA_HOST": host, "NO_GCE_CHECK": ""}


@pytest.fixture
def swallowing():
    """An address that does not respond, because its backlog of connections is full."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        held = []
        for _ in range(4):
            caller = socket.socket()
            caller.setblocking(False)
            caller.connect_ex(server.getsockname())
            held.append(caller)
        time.sleep(0.1)
        yield f"127.0.0.1:{server.getsockname()[1]}"
        for caller in held:
            caller.close()


@pytest.mark.parametrize("kind", ["swallowing", "closed", "silent"])
def test_off_google_is_soon_decided(kind, request, cloud, run):
    """A server that accepts the connection gets 3 s to answer, as with google-auth."""
    host = "127.0.0.1:1" if kind == "closed" else request.getfixturevalue(kind)
    environment = at(cloud.environment("google-nobody"), host)
    environment |= {"DOCKCRED_LOG": "info", "DOCKCRED_TIMEOUT": f"{LONG_S}"}
    result = run(environment)
    assert (result.status, result.output) == (1, NOT_FOUND)
    assert "gcloud auth application-default login" in result.errors


@contextmanager
def slow(cloud, seconds):
    """Start a proxy before the metadata server; it delays the first request."""
    host, _, port = cloud.environment("google-metadata")["GCE_METADATA_HOST"].partition(
        ":"
    )
    waits = iter((seconds, 0))

    class PassOn(socketserver.BaseRequestHandler):
        def handle(self):
            asked = self.request.recv(65536)
            time.sleep(next(waits))
            with socket.create_connection((host, int(port))) as onward:
                onward.sendall(asked)
                while part := onward.recv(65536):
                    self.request.sendall(part)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

        def handle_error(self, *_):
            """Report no closed connections."""

    with Server(("127.0.0.1", 0), PassOn) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def as_google_auth_does(cloud, monkeypatch):
    """Return the principal of google-auth's token from the same server; no sleeps."""
    host = cloud.environment("google-metadata")["GCE_METADATA_HOST"]
    made = compute_engine.Credentials()
    with monkeypatch.context() as patch:
        patch.setattr(_metadata, "_GCE_METADATA_HOST", host)
        patch.setattr(time, "sleep", lambda _: None)
        made.refresh(Request())
    return cloud.minted(made.token).principal


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("failure", ["throttle", "server-error"])
def test_a_refusal_that_passes_is_asked_again_as_google_auth_does(
    failure, times, cloud, run, monkeypatch
):
    cloud.fail(f"gce-metadata:{failure}:{times}")
    expected = as_google_auth_does(cloud, monkeypatch)
    calls = dict(cloud.calls)
    cloud.reset()
    cloud.fail(f"gce-metadata:{failure}:{times}")
    result = run(cloud.environment("google-metadata"))
    assert (result.status, result.errors) == (0, "")
    assert cloud.minted(result.secret).principal == expected == email("machine")
    assert dict(cloud.calls) == calls


def test_a_server_that_is_slow_is_not_absent(cloud, run, monkeypatch):
    expected = as_google_auth_does(cloud, monkeypatch)
    with slow(cloud, 1.1) as host:
        result = run(at(cloud.environment("google-metadata"), host))
    assert cloud.minted(result.secret).principal == expected


@pytest.mark.parametrize(
    ("chosen_s", "takes_s", "answers"),
    [("1", 1.5, False), (f"{BUSY_S:.0f}", 3.1, True)],
)
def test_google_auths_variable_says_how_long_to_wait(
    chosen_s, takes_s, answers, cloud, run
):
    environment = cloud.environment("google-metadata")
    environment |= {"GCE_METADATA_TIMEOUT": chosen_s, "DOCKCRED_TIMEOUT": f"{BUSY_S}"}
    with slow(cloud, takes_s) as host:
        result = run(at(environment, host))
    assert (result.status == 0) == answers


def test_a_refusal_without_googles_header_is_another_clouds(cloud, run):
    """google-auth's ping takes the server for another cloud's, and stops."""
    environment = at(cloud.environment("google-nobody"), "")
    environment["GCE_METADATA_HOST"] = f"{cloud.url.removeprefix('http://')}/latest"
    cloud.fail("server-error")
    assert run(environment).output == NOT_FOUND
    assert len(cloud.requests) == 1


def test_no_identity_is_the_sentence_alone_so_that_public_images_pull(cloud, run):
    result = run(cloud.environment("google-nobody"))
    assert (result.status, result.output, result.errors) == (1, NOT_FOUND, "")
    assert not cloud.calls


def test_another_clouds_metadata_server_is_not_googles(cloud, run):
    """The sandbox's EC2 metadata answers this path, without Google's header."""
    environment = at(cloud.environment("google-nobody"), "")
    environment["GCE_METADATA_HOST"] = f"{cloud.url.removeprefix('http://')}/latest"
    result = run(environment | {"DOCKCRED_LOG": "info"})
    assert result.output == NOT_FOUND
    assert "not Google's" in result.errors


def test_a_machine_without_a_service_account_has_no_identity(cloud, run):
    cloud.google.machine_account = ""
    environment = cloud.environment("google-metadata") | {"DOCKCRED_LOG": "info"}
    result = run(environment)
    assert (result.status, result.output) == (1, NOT_FOUND)
    assert "no Google service account" in result.errors


def test_a_scope_that_does_not_reach_registries_is_named_with_the_remedy(cloud, run):
    cloud.google.machine_scopes = NARROW
    result = run(cloud.environment("google-metadata"))
    assert result.status == 1
    assert "scopes of this machine's service account machine@" in result.output
    assert "cloud-platform" in result.output
    assert cloud.calls["gce-metadata:token"] == 0


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        ("gce-metadata:throttle", "throttles"),
        ("gce-metadata:access-denied", "denies"),
        ("gce-metadata:server-error", "failed at Google (503)"),
        ("gce-metadata:garbage-body", "did not answer as Google's does"),
    ],
)
def test_a_failing_metadata_server_is_told_in_one_line(failure, said, cloud, run):
    cloud.fail(failure)
    environment = cloud.environment("google-metadata") | {"DOCKCRED_TIMEOUT": "3"}
    result = run(environment)
    if failure.endswith("garbage-body"):
        assert result.status == 1
        return
    assert result.status == 1
    assert said in result.output
    assert "\n" not in result.output


def test_strict_mutual_tls_is_refused_rather_than_passed_over(cloud, run):
    environment = cloud.environment("google-metadata")
    result = run(environment | {"GCE_METADATA_MTLS_MODE": "strict"})
    assert result.status == 1
    assert "GCE_METADATA_MTLS_MODE" in result.output
    assert not cloud.calls


def test_metadata_over_the_network_in_clear_is_refused(cloud, run):
    environment = at(cloud.environment("google-nobody"), "metadata.example.com")
    result = run(environment)
    assert result.status == 1
    assert "plain http" in result.output
