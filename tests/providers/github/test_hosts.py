"""Which hosts are GitHub's; for others no socket is opened and no identity is read."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockcred.credential import ServerURL
from dockcred.errors import CredentialsNotFoundError, InvalidInputError
from dockcred.identity.cache.files import Cache
from dockcred.identity.store import IdentityStore
from dockcred.providers.github import GitHub, hosts
from dockcred.system.environment import Environment

ACCEPTED = [
    "ghcr.io",
    "GHCR.io",
    "ghcr.io.",
    "https://ghcr.io",
    "https://ghcr.io/v2/",
    "ghcr.io:443",
    "docker.pkg.github.com",
]
REFUSED = [
    "ghcr.io.evil.com",
    "evilghcr.io",
    "x.ghcr.io",
    "ghcr.com",
    "github.com",
    "npm.pkg.github.com",
    "pkg.github.com",
    "docker.pkg.github.com.evil.com",
    "containers.github.com",
    "containers.ghe.example.com",
    "containers.acme.ghe.com",
    "http://ghcr.io",
    "gcr.io",
    "localhost:5000",
]
ENTERPRISE = "ghe.example.com, acme.ghe.com"


def serves(text: str, enterprise: str = "") -> bool:
    return GitHub(hosts.read(enterprise)).matches(ServerURL.parse(text))


@pytest.mark.parametrize("text", ACCEPTED)
def test_a_registry_of_github_is_served(text):
    assert serves(text)


@pytest.mark.parametrize("text", REFUSED)
def test_another_host_is_not_served(text):
    assert not serves(text)


@pytest.mark.parametrize(
    ("host", "served"),
    [
        ("containers.ghe.example.com", True),
        ("docker.ghe.example.com", True),
        ("containers.acme.ghe.com", True),
        ("ghe.example.com", False),
        ("npm.ghe.example.com", False),
        ("x.containers.ghe.example.com", False),
        ("containers.ghe.example.com.evil.com", False),
        ("containers.evil.ghe.com", False),
        ("ghcr.io", True),
    ],
)
def test_an_enterprise_server_is_served_through_configuration(host, served):
    assert serves(host, enterprise=ENTERPRISE) is served


@pytest.mark.parametrize("name", ["com", "*.example.com", "a..b", "https://x.y"])
def test_what_is_no_server_is_refused_in_the_configuration(name):
    with pytest.raises(InvalidInputError):
        hosts.read(name)


@pytest.mark.parametrize(
    ("github", "variables", "url"),
    [
        ("github.com", {}, "https://api.github.com"),
        ("acme.ghe.com", {}, "https://api.acme.ghe.com"),
        ("ghe.example.com", {}, "https://ghe.example.com/api/v3"),
        (
            "ghe.example.com",
            {
                "GITHUB_SERVER_URL": "https://ghe.example.com",
                "GITHUB_API_URL": "https://ghe.example.com/api/v3/",
            },
            "https://ghe.example.com/api/v3",
        ),
        # The variables of a job on an Enterprise server do not apply to github.com.
        (
            "github.com",
            {
                "GITHUB_SERVER_URL": "https://ghe.example.com",
                "GITHUB_API_URL": "https://ghe.example.com/api/v3",
            },
            "https://api.github.com",
        ),
    ],
)
def test_the_api_is_the_registrys_own_githubs(github, variables, url):
    assert hosts.api(github, Environment(variables)) == url


LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
NEAR = st.sampled_from(["ghcr.io", "docker.pkg.github.com", "github.com", "ghe.com"])
HOSTS = st.one_of(
    st.lists(LABEL, min_size=1, max_size=6).map(".".join),
    st.tuples(NEAR, LABEL).map(".".join),
    st.tuples(LABEL, NEAR).map("".join),
    st.tuples(LABEL, NEAR).map(".".join),
)


class Untouchable(Environment):
    """An environment that fails the test if a variable is read."""

    def get(self, name, default=""):
        raise AssertionError(f"{name} was read for a host that is not ours")


@given(HOSTS)
def test_no_other_host_opens_a_socket_or_touches_an_identity(host):
    server = ServerURL.parse(host)
    if server.host in {"ghcr.io", "docker.pkg.github.com"}:
        return
    store = IdentityStore(GitHub(()), Cache(""), Untouchable({}))
    was = socket.socket
    socket.socket = None
    try:
        with pytest.raises(CredentialsNotFoundError):
            store.get(server)
    finally:
        socket.socket = was
