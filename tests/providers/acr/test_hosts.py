"""Which hosts are Azure's registries: every form of them, and no look-alikes."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support import watch
from support.program import NOT_FOUND

from dockcred.credential import ServerURL
from dockcred.errors import DockcredError, InvalidInputError
from dockcred.identity.cache.files import Cache
from dockcred.identity.store import IdentityStore
from dockcred.protocol import answer
from dockcred.providers.acr import ACR
from dockcred.providers.acr.hosts import custom_suffixes
from dockcred.system.environment import Environment

ACCEPTED = tuple(
    f"{name}.{suffix}"
    for suffix in ("azurecr.io", "azurecr.cn", "azurecr.us", "azurecr.de")
    for name in (
        "contoso",
        "con70",
        "0contoso",
        "c" * 50,
        "contoso-a1b2c3d4e5f6g7h8",
        "contoso.westeurope.geo",
        "contoso-a1b2c3d4e5f6g7h8.eastus2euap.geo",
    )
)
LOOK_ALIKES = (
    # There is text after a real host, or before it.
    "contoso.azurecr.io.evil.example",
    "contoso.azurecr.io.azurecr.io",
    "evil.contoso.azurecr.io",
    "contoso.azurecr.ioevil.example",
    "contoso.azurecr.io-evil.example",
    "contoso.evilazurecr.io",
    "contoso.evil-azurecr.io",
    "contoso.azurecr.io.com",
    "contoso.azurecr.com",
    "contoso.azurecr.example",
    "contoso.azurecr",
    "contosoazurecr.io",
    "contoso.azurecrxio",
    "contoso.azurecr.evil.io",
    "azurecr.io",
    ".azurecr.io",
    "evil.example/contoso.azurecr.io",
    "https://evil.example/contoso.azurecr.io/v2/",
    # Hosts of blobs and private links accept no login.
    "contoso.westeurope.data.azurecr.io",
    "contoso.data.azurecr.io",
    "data.azurecr.io",
    "contoso.privatelink.azurecr.io",
    "contoso.westeurope.data.privatelink.azurecr.io",
    "privatelink.contoso.azurecr.io",
    # The registry's name is not valid.
    "four.azurecr.io",
    f"{'c' * 51}.azurecr.io",
    "contoso-.azurecr.io",
    "-contoso.azurecr.io",
    "con-toso-hash.azurecr.io",
    "con_toso.azurecr.io",
    "con-a1b2c3d4.azurecr.io",
    # The region is at a wrong place.
    "contoso.geo.azurecr.io",
    "contoso.west-europe.geo.azurecr.io",
    "contoso.westeurope.geo.evil.azurecr.io",
    "contoso.westeurope.geox.azurecr.io",
    "contoso.a.westeurope.geo.azurecr.io",
    "westeurope.geo.azurecr.io",
    "contoso.westeurope.geo.azurecr.io.evil.example",
    # Registries of others.
    "mcr.microsoft.com",
    "registry.example.com",
    "contoso.azure.com",
    "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
    "ghcr.io",
    "gcr.io",
    "index.docker.io",
)
# Written in another way than in the program.
_ACR = r"[a-z0-9]{5,50}(-[a-z0-9]+)?(\.[a-z0-9]+\.geo)?\.azurecr\.(io|cn|us|de)"


def is_acr(server: ServerURL) -> bool:
    return server.scheme != "http" and bool(re.fullmatch(_ACR, server.host, re.ASCII))


@pytest.mark.parametrize("host", ACCEPTED)
def test_every_form_of_every_host_is_azure_s(host):
    """Scheme, port, path, upper case and a trailing dot change nothing."""
    for form in (
        "{}",
        "https://{}",
        "{}:443",
        "{}/team/image",
        "https://{}/v2/",
        "{}.",
    ):
        for written in (form.format(host), form.format(host.upper())):
            assert ACR().matches(ServerURL.parse(written)), written


def test_plain_http_is_nobody_s():
    for host in ACCEPTED:
        assert not ACR().matches(ServerURL.parse(f"http://{host}"))


@pytest.mark.parametrize("key", LOOK_ALIKES)
def test_a_look_alike_touches_no_identity_and_no_socket(key, tmp_path):
    _refused_in_silence(key, tmp_path)


def _refused_in_silence(key: str, tmp_path) -> str:
    variables = {"HOME": str(tmp_path), "AZURE_CLIENT_ID": "x", "PATH": "/usr/bin"}
    store = IdentityStore(
        ACR(()), Cache(str(tmp_path)), Environment(variables), lambda _: "another"
    )
    with watch.audited() as events:
        try:
            answer("get", lambda: store, key.encode("utf-8", "surrogatepass"))
        except DockcredError as error:
            said = str(error)
        else:
            raise AssertionError(f"answered: {key!r}")
    assert not [e for e in events if e.startswith(watch.OUTWARD)], events
    return said


def test_the_program_says_not_found_to_look_alikes_and_the_cloud_hears_nothing(
    get, cloud
):
    environment = cloud.environment("azure-imds")
    for key in LOOK_ALIKES:
        answered = get(environment, key)
        if b"refused" in answered.stdout:
            assert answered.status == 1
            continue
        assert (answered.status, answered.stdout) == (1, NOT_FOUND), key
        assert answered.stderr == b""
    assert cloud.calls.total() == 0


def _near(host: str) -> st.SearchStrategy[str]:
    """A host with one change: a character, a label, or a piece of another host."""
    place = st.integers(0, len(host))
    piece = st.one_of(
        st.sampled_from(
            [".", "-", "..", ".evil.example", "evil", ".data", ".geo", "/"]
        ),
        st.text(st.characters(codec="ascii"), min_size=1, max_size=3),
        st.sampled_from(ACCEPTED),
        st.text(min_size=1, max_size=2),
    )
    inserted = st.builds(lambda i, p: host[:i] + p + host[i:], place, piece)
    replaced = st.builds(lambda i, p: host[:i] + p + host[i + 1 :], place, piece)
    cut = st.builds(lambda i, j: host[: min(i, j)] + host[max(i, j) :], place, place)
    return inserted | replaced | cut


KEYS = st.sampled_from(ACCEPTED).flatmap(_near) | st.text(max_size=60)


@settings(max_examples=1500, deadline=None)
@given(key=KEYS)
@example(key="contoso.azurecr.io\n")
@example(key="contoso.azurecr.io\x00.evil.example")
@example(key="c٠ntos٠.azurecr.io")  # noqa: RUF001
def test_what_is_matched_is_azure_s_by_another_way_of_saying_it(key):
    """Hosts close to real ones match exactly if the test's regular expression does."""
    try:
        server = ServerURL.parse(key.encode("utf-8", "surrogatepass"))
    except DockcredError:
        return
    assert ACR(()).matches(server) == is_acr(server)


@settings(max_examples=400, deadline=None)
@given(key=KEYS)
def test_what_is_not_azure_s_is_refused_without_a_look_at_the_world(
    key, tmp_path_factory
):
    """`get` ends with docker's sentence or an error; no file, socket or child."""
    try:
        server = ServerURL.parse(key.encode("utf-8", "surrogatepass"))
    except DockcredError:
        server = None
    if server and is_acr(server):
        return
    said = _refused_in_silence(key, tmp_path_factory.getbasetemp())
    if server:
        assert said == "credentials not found in native keychain"


def test_another_cloud_s_suffix_is_served_where_it_is_named():
    custom = custom_suffixes("azurecr.corp.example, Cr.Disconnected.Example.")
    provider = ACR(custom)
    for host in (
        "contoso.azurecr.corp.example",
        "contoso.local.geo.cr.disconnected.example",
        "contoso.azurecr.io",
    ):
        assert provider.matches(ServerURL.parse(host))
        assert host.endswith("azurecr.io") or not ACR(()).matches(ServerURL.parse(host))
    for host in ("contoso.evil.corp.example", "azurecr.corp.example", "a.b.c.example"):
        assert not provider.matches(ServerURL.parse(host))


@pytest.mark.parametrize(
    "text", ["io", "com, corp.example", "*.example", "a..b", "-a.example", "evil/x.y"]
)
def test_a_suffix_that_would_match_too_much_is_refused(text):
    with pytest.raises(InvalidInputError):
        custom_suffixes(text)


@pytest.mark.parametrize(
    "text", ["azurecr.io", "westeurope.data.azurecr.io", "privatelink.azurecr.us"]
)
def test_a_suffix_inside_azure_s_own_is_refused(text):
    with pytest.raises(InvalidInputError, match="inside one of Azure's own"):
        custom_suffixes(text)


def test_the_program_reads_the_suffixes_from_the_variable(get, cloud):
    environment = cloud.environment("azure-nothing")
    environment["DOCKCRED_ACR_SUFFIXES"] = "com"
    assert "two labels" in get(environment).said
