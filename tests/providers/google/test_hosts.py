"""Which hosts are Google's; for others no socket is opened and no identity is read."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockcred.credential import ServerURL
from dockcred.errors import CredentialsNotFoundError, InvalidInputError
from dockcred.identity.cache.files import Cache
from dockcred.identity.store import IdentityStore
from dockcred.providers.google import Google, hosts
from dockcred.system.environment import Environment

ACCEPTED = [
    "gcr.io",
    "us.gcr.io",
    "eu.gcr.io",
    "asia.gcr.io",
    "marketplace.gcr.io",
    "GCR.IO",
    "gcr.io.",
    "gcr.io:443",
    "https://gcr.io",
    "https://gcr.io/v2/",
    "https://us-central1-docker.pkg.dev",
    "europe-docker.pkg.dev",
    "a-new-region9-docker.pkg.dev/project/repo/image",
    "docker.us-central1.rep.pkg.dev",
    "docker.me-central2.rep.pkg.dev",
]
REFUSED = [
    "evil.com",
    "gcr.io.evil.com",
    "evilgcr.io",
    "evil-gcr.io",
    "a.b.gcr.io",
    "gcr.io.",
    "pkg.dev",
    "docker.pkg.dev",
    "-docker.pkg.dev",
    "us-npm.pkg.dev",
    "us-central1-docker.pkg.dev.evil.com",
    "x.us-central1-docker.pkg.dev",
    "us-central1-docker.evil.dev",
    "us-central1-dockerXpkg.dev",
    "rep.pkg.dev",
    "docker.rep.pkg.dev",
    "npm.us-central1.rep.pkg.dev",
    "docker.us.central1.rep.pkg.dev",
    "docker.us-central1.rep.pkg.dev.evil.com",
    "mirror.gcr.io",
    "us-mirror.gcr.io",
    "http://gcr.io",
    "docker.s3nsregistry.fr",
    "container.cloud.google.com",
    "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
    "ghcr.io",
    "localhost:5000",
    "https://index.docker.io/v1/",
]
REFUSED.remove("gcr.io.")


def serves(text: str, more_hosts: str = "") -> bool:
    return Google(hosts.read(more_hosts)).matches(ServerURL.parse(text))


@pytest.mark.parametrize("text", ACCEPTED)
def test_a_registry_of_google_is_served(text):
    assert serves(text)


@pytest.mark.parametrize("text", REFUSED)
def test_another_host_is_not_served(text):
    assert not serves(text)


@pytest.mark.parametrize("text", ["mirror.gcr.io", "us-mirror.gcr.io"])
def test_the_public_mirrors_are_served_where_asked_for(text):
    assert serves(text, "mirror.gcr.io us-mirror.gcr.io")


@pytest.mark.parametrize(
    ("pattern", "inside", "outside"),
    [
        ("docker.s3nsregistry.fr", "docker.s3nsregistry.fr", "x.s3nsregistry.fr"),
        ("*.s3nsregistry.fr", "u-france-east1.s3nsregistry.fr", "s3nsregistry.fr"),
        ("*-docker.pkg.s3ns.fr", "eu-docker.pkg.s3ns.fr", "eu.pkg.s3ns.fr"),
    ],
)
def test_a_sovereign_host_is_served_through_configuration(pattern, inside, outside):
    assert serves(inside, more_hosts=pattern)
    assert not serves(outside, more_hosts=pattern)
    assert not serves(inside)


@pytest.mark.parametrize(
    "pattern", ["*.fr", "fr", "*", "a..fr", "*.*.fr", "x.*.fr", "a.fr b"]
)
def test_a_pattern_for_half_the_world_is_refused(pattern):
    with pytest.raises(InvalidInputError):
        hosts.read(pattern)


LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
NEAR = st.sampled_from(["gcr.io", "us.gcr.io", "eu-docker.pkg.dev", "pkg.dev"])
HOSTS = st.one_of(
    st.lists(LABEL, min_size=1, max_size=6).map(".".join),
    st.tuples(NEAR, LABEL).map(lambda t: f"{t[0]}.{t[1]}"),
    st.tuples(LABEL, NEAR).map(lambda t: f"{t[0]}{t[1]}"),
    st.tuples(LABEL, LABEL, NEAR).map(".".join),
)


class Untouchable(Environment):
    """An environment that fails the test if a variable is read."""

    def get(self, name, default=""):
        raise AssertionError(f"{name} was read for a host that is not ours")


@given(HOSTS)
def test_no_other_host_opens_a_socket_or_touches_an_identity(host):
    server = ServerURL.parse(host)
    if Google(()).matches(server):
        labels = server.host.split(".")
        assert labels[-2:] in (["gcr", "io"], ["pkg", "dev"])
        assert len(labels) <= 5
        return
    store = IdentityStore(Google(()), Cache(""), Untouchable({}))
    was = socket.socket
    socket.socket = None
    try:
        with pytest.raises(CredentialsNotFoundError):
            store.get(server)
    finally:
        socket.socket = was
