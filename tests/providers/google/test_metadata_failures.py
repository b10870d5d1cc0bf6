"""The metadata server: absent, foreign, hanging, too narrow, and swapped."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from .conftest import NOT_FOUND

NARROW = ["https://www.googleapis.com/auth/logging.write"]


@pytest.fixture
def silent():
    """A server that takes connections and never answers."""
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


@pytest.mark.parametrize("kind", ["silent", "closed"])
def test_off_google_is_decided_within_two_seconds(kind, silent, cloud, run):
    host = silent if kind == "silent" else "127.0.0.1:1"
    environment = at(cloud.environment("google-nobody"), host)
    began = time.monotonic()
    result = run(environment | {"DOCKCRED_LOG": "info"})
    assert time.monotonic() - began < 2
    assert (result.status, result.output) == (1, NOT_FOUND)
    assert "gcloud auth application-default login" in result.errors


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
    result = run(cloud.environment("google-metadata"))
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
