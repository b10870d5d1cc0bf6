"""SOCKS5 proxies (RFC 1928, 1929) on the way to a cloud."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest
from support.program import HOST
from support.real import missing
from support.socks_server import REFUSED_BY_RULE, SocksServer

from dockcred.errors import DockcredError, TransportError
from dockcred.system.environment import Environment
from dockcred.testing.sandbox import Sandbox
from dockcred.transport import http
from dockcred.transport.http import request

LOGIN = ("user", "p@ss word")
WRITTEN = "user:p%40ss%20word@"


@pytest.fixture
def port(cloud: Sandbox) -> int:
    """The port at which the sandbox is every host that is asked for, over TLS."""
    return cloud.listen("127.0.0.1", tls=True)


@pytest.fixture
def start(port: int) -> Iterator:
    running = []

    def serve(login=None) -> SocksServer:
        running.append(SocksServer(port, login))
        return running[-1]

    yield serve
    for one in running:
        one.close()


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch) -> None:
    monkeypatch.setattr(http, "_FIRST_PAUSE_S", 0.0)


def ask(cloud, proxy: str, url: str = "https://registry.example/", timeout_s=5.0):
    variables = {"ALL_PROXY": proxy, "SSL_CERT_FILE": str(cloud.ca_file)}
    return request("GET", url, Environment(variables), headers={}, timeout_s=timeout_s)


@pytest.mark.parametrize("kind", ["socks5", "socks5h", "SOCKS5"])
def test_a_helper_reaches_its_cloud(kind, start, ecr, cloud):
    """The request goes through the proxy: nothing else leads to a host of AWS."""
    proxy = start()
    environment = cloud.environment() | {
        "https_proxy": "",
        "HTTPS_PROXY": f"{kind}://{proxy.address}",
    }
    assert cloud.minted(ecr.get(environment).password)
    assert proxy.asked == [("api.ecr.eu-west-1.amazonaws.com", 443)]
    assert cloud.calls["proxy:CONNECT"] == 0


def test_all_proxy_is_heard_too(start, ecr, cloud):
    proxy = start()
    environment = cloud.environment() | {"https_proxy": "", "HTTPS_PROXY": ""}
    environment |= {"ALL_PROXY": f"socks5h://{proxy.address}"}
    assert cloud.minted(ecr.get(environment).password)
    assert proxy.asked


def test_a_password_opens_the_proxy_and_shows_in_no_message(start, cloud):
    proxy = start(LOGIN)
    assert ask(cloud, f"socks5://{WRITTEN}{proxy.address}").status
    for wrong in ("", "user:other@", "other:p%40ss%20word@"):
        with pytest.raises(TransportError) as told:
            ask(cloud, f"socks5://{wrong}{proxy.address}")
        assert "login" in str(told.value)
        assert "p@ss" not in str(told.value)
        assert "other" not in str(told.value)


@pytest.mark.parametrize("host", ["203.0.113.7", "2001:db8::7"])
def test_an_address_is_asked_for_as_such(host, start, cloud):
    proxy = start()
    shown = f"[{host}]" if ":" in host else host
    with pytest.raises(TransportError, match="TLS|certificate"):  # an address has none
        ask(cloud, f"socks5://{proxy.address}", f"https://{shown}:8443/")
    assert set(proxy.asked) == {(host, 8443)}


def test_a_refusal_is_told_and_not_asked_again(start, cloud):
    proxy = start()
    proxy.refusal = REFUSED_BY_RULE
    with pytest.raises(TransportError, match="its rules forbid it"):
        ask(cloud, f"socks5://{proxy.address}")
    assert len(proxy.asked) == 1


def test_a_passing_one_is_asked_again(start, cloud):
    proxy = start()
    proxy.refusal = 5
    with pytest.raises(TransportError, match="connection refused"):
        ask(cloud, f"socks5://{proxy.address}")
    assert len(proxy.asked) == http.ATTEMPTS


def test_a_broken_connection_is_made_anew(start, cloud):
    proxy = start()
    proxy.broken = 2
    assert ask(cloud, f"socks5://{proxy.address}").status
    assert len(proxy.asked) == 1


def test_what_is_no_socks_proxy_is_said(cloud):
    address = cloud.proxy_url.removeprefix("http://")
    with pytest.raises(TransportError) as told:
        ask(cloud, f"socks5://{address}", timeout_s=0.2)
    assert told.value.remedy


@pytest.mark.parametrize("kind", ["socks4", "socks4a", "https", "ftp"])
def test_another_kind_is_told_with_a_remedy_that_works(kind, start, cloud):
    proxy = start()
    with pytest.raises(DockcredError) as told:
        ask(cloud, f"{kind}://{proxy.address}")
    assert f"{kind}://" in told.value.cause
    assert "socks5://" in told.value.remedy
    assert ask(cloud, f"socks5://{proxy.address}").status


@pytest.mark.parametrize(
    "login", [(), ("-u", "user", "-P", "word")], ids=["open", "login"]
)
def test_a_real_server_passes_it(login, cloud):
    """The server is microsocks; it resolves the name, which is this machine's."""
    microsocks = shutil.which("microsocks") or missing("microsocks is not installed")
    name = socket.gethostname()
    try:
        socket.getaddrinfo(name, 443, socket.AF_INET)
    except OSError:
        pytest.skip("this machine's own name is not resolved")
    there = cloud.listen("0.0.0.0", tls=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        number = free.getsockname()[1]
    server = subprocess.Popen(
        [microsocks, "-i", "127.0.0.1", "-p", str(number), *login],
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(100):
            with socket.socket() as trial:
                if trial.connect_ex(("127.0.0.1", number)) == 0:
                    break
            if server.poll() is not None:
                missing("microsocks is installed and does not run")
            time.sleep(0.05)
        shown = "user:word@" if login else ""
        url = f"https://{name}:{there}/"
        assert ask(cloud, f"socks5h://{shown}127.0.0.1:{number}", url).status
        if login:
            with pytest.raises(TransportError, match="login"):
                ask(cloud, f"socks5h://user:no@127.0.0.1:{number}", url)
    finally:
        server.kill()
        server.wait()


@pytest.mark.parametrize("kind", ["socks5", "https"])
def test_the_road_of_the_sdk_says_what_to_do(kind, start, ecr, cloud):
    proxy = start()
    environment = cloud.environment() | {
        "https_proxy": "",
        "HTTPS_PROXY": f"{kind}://{proxy.address}",
        "DOCKCRED_ROAD": "sdk",
    }
    answer = ecr.get(environment, HOST)
    assert "unforeseen" not in answer.said
    assert "proxy" in answer.said
