"""azure-identity accepts every Azure identity of the sandbox, over verified TLS."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from support.program import BUSY_S

from dockcred.testing.sandbox.azure.directory import TENANT
from dockcred.transport.json_reader import claims_of

pytestmark = pytest.mark.slow  # as a whole too long for `make test`

# Only azure-identity runs in this process, none of our code.
ASK = """
import json, sys
from azure.identity import DefaultAzureCredential
audience = sys.argv[1]
token = DefaultAzureCredential().get_token(f"{audience}/.default")
print(json.dumps({"token": token.token, "ends": token.expires_on}))
"""
AUDIENCE = "https://containerregistry.azure.net"
EXPECTED = (
    "azure-client-secret",
    "azure-client-certificate",
    "azure-user-password",
    "azure-workload-identity",
    "azure-imds",
    "azure-imds-user",
    "azure-app-service",
    "azure-machine-learning",
    "azure-cloud-shell",
    "azure-service-fabric",
    "azure-cli",
    "azure-powershell",
    "azure-developer-cli",
)


@pytest.fixture
def ask(cloud):
    def run(environment, audience=AUDIENCE):
        return subprocess.run(
            [sys.executable, "-B", "-c", ASK, audience],
            env=environment,
            capture_output=True,
            text=True,
            timeout=BUSY_S,
            check=False,
        )

    return run


def test_every_identity_is_tried(cloud):
    assert {*EXPECTED, "azure-arc", "azure-nothing"} == cloud.azure.identities.keys()


@pytest.mark.parametrize("name", EXPECTED)
def test_azure_identity_gets_a_token_as_the_identity(name, ask, cloud):
    done = ask(cloud.environment(name))
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    claims = claims_of(answer["token"].encode())
    assert claims["unique_name"] == name
    assert (claims["aud"], claims["tid"]) == (AUDIENCE, TENANT)
    assert claims["exp"] == pytest.approx(answer["ends"], abs=5)


def test_azure_identity_finds_nobody(ask, cloud):
    done = ask(cloud.environment("azure-nothing"))
    assert done.returncode == 1
    assert "failed to retrieve a token" in done.stderr


@pytest.mark.parametrize("name", ["azure-client-secret", "azure-cli"])
def test_azure_identity_is_told_that_a_resource_is_unknown(name, ask, cloud):
    done = ask(cloud.environment(name), "https://unknown.example")
    assert done.returncode == 1
    assert "AADSTS500011" in done.stderr
