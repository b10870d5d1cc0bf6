"""Which hosts are ECR's: every form of them, and no look-alikes."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support import watch
from support.hosts import ACCEPTED, ACCOUNT, LOOK_ALIKES, is_ecr
from support.program import NOT_FOUND

from dockcred.credential import ServerURL
from dockcred.errors import DockcredError
from dockcred.identity.cache.files import Cache
from dockcred.identity.store import IdentityStore
from dockcred.protocol import answer
from dockcred.providers.ecr import ECR
from dockcred.providers.ecr.hosts import registry_of
from dockcred.system.environment import Environment

FORMS = (
    "{}",
    "https://{}",
    "HTTPS://{}",
    "{}:443",
    "{}:8443",
    "{}/team/image",
    "https://{}/v2/",
    "https://{}:443/v2/team/image",
    "{}.",
    "https://{}./v2/",
)


@pytest.mark.parametrize("host", ACCEPTED)
def test_every_form_of_every_host_is_ecr_s(host):
    """Scheme, port, path, upper case and a trailing dot change nothing."""
    for form in FORMS:
        for written in (form.format(host), form.format(host.upper())):
            server = ServerURL.parse(written)
            assert server.host == host
            assert ECR().matches(server), written


@pytest.mark.parametrize("host", ACCEPTED)
def test_the_host_tells_account_region_and_kind(host):
    region, endpoint = ACCEPTED[host]
    registry = registry_of(host)
    assert registry.region == region
    assert registry.account == (ACCOUNT if host.startswith(ACCOUNT) else "")
    assert registry.fips == ("fips" in endpoint)
    assert registry.dual_stack == (".api." in endpoint or host == "ecr-public.aws.com")


def test_plain_http_is_nobody_s():
    """No password is returned for a registry over plain HTTP."""
    for host in ACCEPTED:
        assert not ECR().matches(ServerURL.parse(f"http://{host}"))


def test_there_are_enough_look_alikes():
    assert len(set(LOOK_ALIKES)) >= 40


@pytest.mark.parametrize("key", LOOK_ALIKES)
def test_a_look_alike_touches_no_identity_and_no_socket(key, tmp_path):
    """No file of ~/.aws is read, no child starts, no connection is opened."""
    _refused_in_silence(key, tmp_path)


def _refused_in_silence(key: str, tmp_path) -> str:
    store = IdentityStore(
        ECR(),
        Cache(str(tmp_path)),
        Environment({"HOME": str(tmp_path), "AWS_ACCESS_KEY_ID": "AKIA"}),
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
    ecr, cloud
):
    environment = cloud.environment("instance-profile")
    for key in LOOK_ALIKES:
        answer = ecr.get(environment, key)
        if b"refused" in answer.stdout:
            assert answer.status == 1
            continue
        assert (answer.status, answer.stdout, answer.stderr) == (1, NOT_FOUND, b""), key
    assert cloud.calls.total() == 0


def _near(host: str) -> st.SearchStrategy[str]:
    """A host with one change: a character, a label, or a piece of another host."""
    place = st.integers(0, len(host))
    piece = st.one_of(
        st.sampled_from(
            [".", "-", "..", ".evil.example", "evil", ".com", "/", ":", "1"]
        ),
        st.text(st.characters(codec="ascii"), min_size=1, max_size=3),
        st.sampled_from(sorted(ACCEPTED)),
        st.text(min_size=1, max_size=2),
    )
    inserted = st.builds(lambda i, p: host[:i] + p + host[i:], place, piece)
    replaced = st.builds(lambda i, p: host[:i] + p + host[i + 1 :], place, piece)
    cut = st.builds(lambda i, j: host[: min(i, j)] + host[max(i, j) :], place, place)
    return inserted | replaced | cut


@settings(max_examples=1500, deadline=None)
@given(key=st.sampled_from(sorted(ACCEPTED)).flatmap(_near) | st.text(max_size=60))
@example(key="123456789012.dkr.ecr.eu-west-1.amazonaws.com\n")
@example(key="123456789012.dkr.ecr.eu-west-1.amazonaws.com.")
@example(key="١٢٣٤٥٦٧٨٩٠١٢.dkr.ecr.eu-west-1.amazonaws.com")
def test_what_is_matched_is_ecr_s_by_another_way_of_saying_it(key):
    """Hosts close to real ones match exactly if the test's regular expression does."""
    try:
        server = ServerURL.parse(key.encode("utf-8", "surrogatepass"))
    except DockcredError:
        return
    assert ECR().matches(server) == (is_ecr(server.host) and server.scheme != "http")


@settings(max_examples=400, deadline=None)
@given(key=st.sampled_from(sorted(ACCEPTED)).flatmap(_near) | st.text(max_size=60))
def test_what_is_not_ecr_s_is_refused_without_a_look_at_the_world(
    key, tmp_path_factory
):
    """`get` ends with docker's sentence or an error; no file, socket or child."""
    try:
        server = ServerURL.parse(key.encode("utf-8", "surrogatepass"))
    except DockcredError:
        server = None
    if server and is_ecr(server.host) and server.scheme != "http":
        return
    said = _refused_in_silence(key, tmp_path_factory.getbasetemp())
    assert said in {
        "credentials not found in native keychain",
        "no credentials server URL",
    } or said.startswith("the server URL is refused: ")
    if server:
        assert said == "credentials not found in native keychain"
