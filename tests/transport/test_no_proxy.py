"""NO_PROXY is read as `requests` reads it, which azure-identity uses.

botocore reads it by urllib. docs/differences.md has the differences: forms that Go and
curl accept, and requests does not.
"""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from support.differential import meant

from dockcred.system.environment import Environment
from dockcred.transport.connection import proxy_for
from dockcred.transport.target import Target

utils = pytest.importorskip("requests", minversion="2.34").utils
pytest_plugins = ("support.differential",)

HOSTS = ("api.ecr.eu-west-1.amazonaws.com", "contoso.azurecr.io", "10.1.2.3", "fd00::1")
PIECES = ("amazonaws.com", "eu-west-1.amazonaws.com", "azurecr.io", "tazurecr.io",
          "onaws.com", "AZURECR.IO", "com", "io", "other.example", "10.1.2.3", "10.1.2",
          "10.0.0.0/8", "10.0.0.0/33", "11.0.0.0/8", "10.1.2.3/32", "fd00::/8", "fd00::1",
          "[fd00::1]", "contoso.azurecr.io", "*", "", ".", "nonsense/8")  # fmt: skip
ENTRIES = st.builds(
    lambda start, piece, port: f"{start}{piece}{port}",
    st.sampled_from(["", "", "", ".", "*.", "*"]),
    st.sampled_from(PIECES),
    st.sampled_from(["", "", "", ":443", ":8443", ":"]),
)
LISTS = st.lists(ENTRIES, max_size=3)
SEPARATORS = st.sampled_from([",", ", ", " ", " , ", ",,"])


def passes(host: str, port: int, no_proxy: str) -> bool:
    shown = f"[{host}]" if ":" in host else host
    url = f"https://{shown}:{port}/"
    variables = {"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": no_proxy}
    return proxy_for(Target(url), Environment(variables)) is None


def compare(host: str, port: int, entries: list[str], separator: str):
    no_proxy = separator.join(entries)
    shown = f"[{host}]" if ":" in host else host
    # Both sides write an https URL without its default port.
    url = f"https://{shown}/" if port == 443 else f"https://{shown}:{port}/"
    own = passes(host, port, no_proxy)
    if own == bool(utils.should_bypass_proxies(url, no_proxy or None)):
        return None
    words = no_proxy.replace(",", " ").split()
    if own:
        (word, *_) = (word for word in words if passes(host, port, word))
        alone = bool(utils.should_bypass_proxies(url, word))
        if alone:
            return meant("no-proxy-blanks")
        if word.startswith("*"):
            return meant("no-proxy-star")
        if ":" in host:
            return meant("no-proxy-ipv6")
        assert word.endswith((":443", ":8443", ":")), (host, port, no_proxy)
        return meant("no-proxy-port")
    # In an IPv6 address without brackets, what looks like a port is part of it.
    names = {word.lstrip(".") for word in words}
    assert f"{host}:{port}" in names, f"{host}:{port} is not passed by {no_proxy!r}"
    assert ":" in host
    return meant("no-proxy-ipv6")


def test_no_proxy_is_read_as_requests_reads_it(side_by_side):
    side_by_side(
        *(compare, st.sampled_from(HOSTS), st.sampled_from([443, 8443])),
        *(LISTS, SEPARATORS),
        shows=lambda ends: ends["alike"] > ends.total() / 2,
    )


@pytest.mark.parametrize(
    "host, port, no_proxy, name",
    [
        (HOSTS[1], 443, "other.example contoso.azurecr.io", "no-proxy-blanks"),
        (HOSTS[1], 443, "*.azurecr.io", "no-proxy-star"),
        ("fd00::1", 443, "fd00::/8", "no-proxy-ipv6"),
        ("fd00::1", 8443, ".fd00::1:8443", "no-proxy-ipv6"),
        (HOSTS[1], 443, "contoso.azurecr.io:443", "no-proxy-port"),
        (HOSTS[1], 443, "tazurecr.io", None),
        (HOSTS[1], 443, "curecr.io", None),
        (HOSTS[1], 443, "urecr.io", None),
    ],
)
def test_each_difference_is_met(host, port, no_proxy, name):
    assert compare(host, port, [no_proxy], ",") == name
