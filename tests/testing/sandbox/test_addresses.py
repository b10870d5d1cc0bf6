"""The sandbox can listen at more addresses, and be every real host there."""

from __future__ import annotations

import http.client
import socket
import ssl

import pytest
from support.program import BUSY_S

from dockcred.testing.sandbox import Sandbox

HOSTS = ["api.ecr.eu-west-1.amazonaws.com", "sts.us-east-1.amazonaws.com"]


@pytest.fixture
def get(cloud):
    port = cloud.listen("127.0.0.2", tls=True)
    context = ssl.create_default_context(cafile=cloud.ca_file)

    def get(asked: str, named: str) -> http.client.HTTPResponse:
        plain = socket.create_connection(("127.0.0.2", port), timeout=BUSY_S)
        with context.wrap_socket(plain, server_hostname=asked) as connection:
            connection.sendall(f"GET / HTTP/1.1\r\nHost: {named}\r\n\r\n".encode())
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            answer.read()
            return answer

    return get


@pytest.mark.parametrize("host", HOSTS)
def test_it_proves_to_be_the_host_that_a_client_asks_for(get, cloud, host):
    assert get(host, host).status != 421
    service = host.split(".")[-4]
    assert any(call.startswith(f"{service}:") for call in cloud.calls)


def test_a_connection_to_one_host_serves_no_other(get):
    assert get(HOSTS[0], HOSTS[1]).status == 421


def test_every_clouds_metadata_is_at_the_one_address(cloud):
    port = cloud.listen("127.0.0.3")
    for path in ("/latest/api/token", "/metadata/identity/oauth2/token"):
        client = http.client.HTTPConnection("127.0.0.3", port, timeout=BUSY_S)
        client.request("GET", path, headers={"Host": "169.254.169.254"})
        client.getresponse().read()
        client.close()
    asked = {call.partition(":")[0] for call in cloud.calls}
    assert asked == {"imds", "azure-imds"}


def test_a_further_address_may_be_plain_and_ends_with_the_sandbox():
    with Sandbox() as cloud:
        port = cloud.listen("127.0.0.3")
        client = http.client.HTTPConnection("127.0.0.3", port, timeout=BUSY_S)
        client.request("PUT", "/latest/api/token", headers={"Host": "169.254.169.254"})
        client.getresponse().read()
        assert cloud.calls["imds:token"] == 1
        client.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.3", port), timeout=BUSY_S)
