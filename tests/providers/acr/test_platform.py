"""A platform's token endpoint may be in its private network, without TLS.

azure-identity asks whatever endpoint the variable names. We ask only a literal address
of a private network, and only if the platform's header is set as well.
"""

from __future__ import annotations

import os

import pytest
from support import azure_wire
from support.azure_wire import Machine, token
from support.differential import meant

from dockcred.errors import InvalidInputError
from dockcred.providers.acr.hosts import registry_of
from dockcred.providers.acr.identity import AzureIdentity
from dockcred.system.environment import Environment
from dockcred.transport.target import Target, is_private

INSIDE = [
    "172.16.5.3",
    "172.31.255.254",
    "10.1.2.3",
    "192.168.0.4",
    "100.100.0.7",
    "[fd12:3456::7]",
    "[fc00::1]",
]
OUTSIDE = [
    "172.32.0.1",
    "172.15.255.255",
    "11.0.0.1",
    "192.169.0.1",
    "100.128.0.1",
    "203.0.113.9",
    "8.8.8.8",
    "[2001:db8::1]",
    "[fe00::1]",
    "[::ffff:203.0.113.9]",
]
ODD = [
    "010.0.0.1",
    "10.0.0.256",
    "10.1",
    "0x0a000001",
    "10.0.0.1.example.org",
    "[fd::1]",
]
NAMED = {"IDENTITY_HEADER": "hush", "PATH": "/nowhere", "HOME": "/nowhere"}


@pytest.fixture(scope="module")
def server():
    with azure_wire.serving() as found:
        yield found


@pytest.fixture
def asked(server):
    """Ask one side with an endpoint; return its token and the requests it made."""
    theirs = pytest.importorskip("azure.identity")

    def ask(url, *, by_the_sdk):
        server.machine = Machine({"app-service": [token("of-the-app")]})
        variables = NAMED | {"IDENTITY_ENDPOINT": url}
        os.environ.clear()
        os.environ.update(variables)
        if by_the_sdk:
            credential = theirs.DefaultAzureCredential()
            scope = "https://containerregistry.azure.net/.default"
            return credential.get_token(scope).token, server.machine.asked
        registry = registry_of("contoso.azurecr.io", ())
        found = AzureIdentity(registry, Environment(variables))._token()
        return found.value, server.machine.asked

    return ask


@pytest.mark.parametrize("host", [*INSIDE, "169.254.129.3", "127.0.0.1"])
def test_the_platform_s_own_address_is_asked(host, asked):
    url = f"http://{host}:8081/msi/token"
    ours, sdk = (asked(url, by_the_sdk=side) for side in (False, True))
    assert ours == sdk
    assert ours[0] == "of-the-app"


@pytest.mark.parametrize("host", OUTSIDE)
def test_an_address_beyond_it_gets_no_secret_in_clear(host, asked):
    """The SDK would send the secret there."""
    assert asked(f"http://{host}:8081/msi/token", by_the_sdk=True)[0] == "of-the-app"
    with pytest.raises(InvalidInputError, match="plain http"):
        asked(f"http://{host}:8081/msi/token", by_the_sdk=False)
    meant("azure-plain-http")


@pytest.mark.parametrize("host", [*OUTSIDE, *ODD, "msi.internal", "user@10.0.0.1"])
def test_what_is_not_the_address_of_a_private_network_stays_refused(host):
    with pytest.raises(InvalidInputError):
        Target(f"http://{host}:8081/msi/token", platform=True)


@pytest.mark.parametrize("host", INSIDE)
def test_nobody_but_the_platform_may_name_one(host):
    assert is_private(host.strip("[]"))
    with pytest.raises(InvalidInputError, match="plain http"):
        Target(f"http://{host}:8081/msi/token")


def test_without_the_platform_s_header_it_is_nobody_s(server):
    server.machine = Machine({"app-service": [token("of-the-app")]})
    variables = {"IDENTITY_ENDPOINT": "http://172.16.5.3:8081/msi/token"}
    identity = AzureIdentity(
        registry_of("contoso.azurecr.io", ()), Environment(variables)
    )
    assert "azure:app-service" not in identity.sources
