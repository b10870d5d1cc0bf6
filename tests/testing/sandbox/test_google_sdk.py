"""google-auth, unchanged, accepts each of the sandbox's Google identities."""

from __future__ import annotations

import subprocess
import sys

import pytest
from support.program import BUSY_S

from dockcred.testing.sandbox import Sandbox
from dockcred.testing.sandbox.google import Google

# As any program does it, but with a project in a variable: without one, google-auth
# would look up the project of federated identities.
ASK = """
import google.auth, google.auth.transport.requests as transport
scopes = ["https://www.googleapis.com/auth/devstorage.read_write"]
credentials, _ = google.auth.default(scopes=scopes)
credentials.refresh(transport.Request())
print(credentials.token, end="")
"""
OF_ANOTHER_TOOL = {"google-gcloud", "google-nobody"}


def ask(environment):
    return subprocess.run(
        [sys.executable, "-B", "-W", "ignore", "-c", ASK],
        env=environment | {"GOOGLE_CLOUD_PROJECT": "sandbox-project"},
        capture_output=True,
        text=True,
        timeout=BUSY_S,
        check=False,
    )


def names():
    return sorted(Google.identities.keys() - OF_ANOTHER_TOOL)


@pytest.mark.parametrize("name", names())
def test_google_auth_mints_as_the_identity(name):
    with Sandbox() as cloud:
        done = ask(cloud.environment(name))
        minted = cloud.minted(done.stdout)
        assert minted, done.stderr
        assert minted.service == "google"
        assert cloud.calls["google-oauth:refused"] == 0


def test_google_auth_finds_nobody_where_there_is_nobody():
    with Sandbox() as cloud:
        done = ask(cloud.environment("google-nobody"))
        assert "default credentials were not found" in done.stderr
