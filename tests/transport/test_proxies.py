"""HTTPS_PROXY and NO_PROXY, as curl and the SDKs read them."""

from __future__ import annotations

import time

import pytest
from support.program import BUSY_S, LONG_S

from dockcred.errors import InvalidInputError, TransportError
from dockcred.system.environment import Environment
from dockcred.transport.connection import Proxy, proxy_for
from dockcred.transport.http import request
from dockcred.transport.target import Target

ECR = "https://api.ecr.eu-west-1.amazonaws.com/"


@pytest.mark.parametrize(
    "variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
)
def test_each_variable_names_a_proxy(variable):
    found = proxy_for(Target(ECR), Environment({variable: "http://proxy:3128"}))
    assert (found.host, found.port) == ("proxy", 3128)


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "NO_PROXY"])
def test_small_letters_are_heard_first(name):
    """If https_proxy and HTTPS_PROXY differ: as curl, requests and botocore do."""
    variables = {"https_proxy": "http://small:1", "HTTPS_PROXY": "http://great:1"}
    if name == "NO_PROXY":
        variables |= {"no_proxy": "other.example", "NO_PROXY": "amazonaws.com"}
    assert proxy_for(Target(ECR), Environment(variables)).host == "small"


@pytest.mark.parametrize(
    "no_proxy, passed",
    [
        ("", False),
        ("*", True),
        ("amazonaws.com", True),
        (".amazonaws.com", True),
        ("*.amazonaws.com", True),
        ("AMAZONAWS.COM", True),
        ("other.example, amazonaws.com", True),
        ("other.example amazonaws.com", True),
        ("api.ecr.eu-west-1.amazonaws.com", True),
        ("api.ecr.eu-west-1.amazonaws.com:443", True),
        ("api.ecr.eu-west-1.amazonaws.com:8443", False),
        ("onaws.com", False),
        ("ecr.eu-west-1.amazonaws.com.evil", False),
        ("10.0.0.0/8", False),
        ("com.amazonaws", False),
    ],
)
def test_no_proxy_passes_whole_domains(no_proxy, passed):
    variables = {"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": no_proxy}
    assert (proxy_for(Target(ECR), Environment(variables)) is None) == passed


@pytest.mark.parametrize(
    "host, network, passed",
    [
        ("10.1.2.3", "10.0.0.0/8", True),
        ("11.1.2.3", "10.0.0.0/8", False),
        ("[fd00::1]", "fd00::/8", True),
        ("[fd00::1]", "[fd00::1]:443", True),
        ("[fd00::1]", "[fd00::1]:8443", False),
        ("10.1.2.3", "nonsense/8", False),
    ],
)
def test_no_proxy_may_be_a_network(host, network, passed):
    variables = {"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": network}
    found = proxy_for(Target(f"https://{host}/"), Environment(variables))
    assert (found is None) == passed


@pytest.mark.parametrize(
    "url, host, port",
    [
        ("http://proxy:3128", "proxy", 3128),
        ("http://proxy", "proxy", 80),
        ("proxy:3128", "proxy", 3128),
        ("http://proxy:3128/", "proxy", 3128),
        ("http://user:p%40ss@proxy:3128", "proxy", 3128),
        ("http://[::1]:3128", "::1", 3128),
        ("socks5://proxy", "proxy", 1080),
        ("socks5h://user:p%40ss@proxy:9050", "proxy", 9050),
    ],
)
def test_a_proxy_is_read_in_all_its_forms(url, host, port):
    found = Proxy(url)
    assert (found.host, found.port) == (host, port)


def test_user_and_password_go_to_the_proxy_and_into_no_message():
    proxy = Proxy("http://user:p%40ss@proxy:3128")
    asked = proxy.connect_request(Target(ECR)).decode()
    assert asked.startswith("CONNECT api.ecr.eu-west-1.amazonaws.com:443 HTTP/1.1\r\n")
    assert "Proxy-Authorization: Basic dXNlcjpwQHNz\r\n" in asked
    assert "p@ss" not in proxy.name
    for status in (403, 407, 502):
        with pytest.raises(TransportError) as told:
            proxy.check(status, Target(ECR))
        assert "p@ss" not in str(told.value)
        assert str(status) in str(told.value)


@pytest.mark.parametrize("url", ["socks4://proxy:1080", "https://proxy:443", "http://"])
def test_a_proxy_that_is_not_spoken_is_said(url):
    with pytest.raises(InvalidInputError):
        Proxy(url)


@pytest.mark.parametrize("road", ["direct", "sdk"])
def test_the_program_goes_through_the_proxy_and_around_it(road, ecr, cloud):
    """An AWS host is reached by the proxy, localhost without it."""
    environment = cloud.environment() | {"DOCKCRED_ROAD": road}
    assert cloud.minted(ecr.get(environment).password)
    assert cloud.calls["proxy:CONNECT"] == 1
    cloud.reset()
    around = {"AWS_ENDPOINT_URL_ECR": "https://localhost:1", "DOCKCRED_CACHE": "off"}
    assert ecr.get(environment | around).status == 1
    assert cloud.calls["proxy:CONNECT"] == 0


@pytest.mark.parametrize("road", ["direct", "sdk"])
def test_a_proxy_that_answers_with_a_page_is_said(road, ecr, cloud):
    """A portal sends its page before TLS begins: no cloud does that in a tunnel."""
    cloud.fail("ecr:proxy-page")
    answer = ecr.get(cloud.environment() | {"DOCKCRED_ROAD": road})
    assert road == "sdk" or "proxy" in answer.said
    assert "; " in answer.said
    assert cloud.calls["ecr:GetAuthorizationToken"] == 0


def test_a_page_in_place_of_a_tunnel_waits_for_nobody(cloud):
    """The error comes at once, not after the timeout for TLS."""
    cloud.fail("ecr:proxy-page")
    environment = Environment(cloud.environment())
    started = time.monotonic()
    with pytest.raises(TransportError, match=r"the proxy .* refused"):
        request("GET", ECR, environment, headers={}, timeout_s=LONG_S)
    assert time.monotonic() - started < BUSY_S
