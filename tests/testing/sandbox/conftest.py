"""Clients of the sandbox: the real SDK in its own process, and raw HTTP."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from support.program import BUSY_S

from dockcred.testing.sandbox import Sandbox

# boto3 prints a registry's password, and its expiry in seconds of Unix time.
ASK = """
import base64, json, boto3
data = boto3.client("ecr").get_authorization_token()["authorizationData"][0]
password = base64.b64decode(data["authorizationToken"]).decode().partition(":")[2]
print(json.dumps({"password": password, "at": data["expiresAt"].timestamp()}))
"""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@pytest.fixture
def cloud() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def tls_cloud() -> Iterator[Sandbox]:
    with Sandbox(tls=True) as sandbox:
        yield sandbox


Boto3 = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def boto3() -> Boto3:
    """Return a function: it runs a program with boto3 and exactly these variables."""

    def run(
        environment: dict[str, str], program: str = ASK, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-B", "-c", program],
            env=environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=BUSY_S,
            start_new_session=True,  # no terminal at which it could ask for an MFA code
            check=False,
        )

    return run


Http = Callable[..., Answer]


@pytest.fixture
def http(cloud: Sandbox) -> Http:
    """Return a function: it sends one request to the sandbox."""

    def send(
        method: str,
        path: str = "/",
        headers: dict[str, str] | None = None,
        body: bytes | str = b"",
    ) -> Answer:
        connection = HTTPConnection(urlsplit(cloud.url).netloc, timeout=BUSY_S)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return Answer(response.status, dict(response.headers), response.read())
        finally:
            connection.close()

    return send


ECR_TARGET = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"
PUBLIC_TARGET = "SpencerFrontendService.GetAuthorizationToken"
AMZ_JSON = "application/x-amz-json-1.1"


@pytest.fixture
def signed(cloud: Sandbox) -> Callable[..., dict[str, str]]:
    """Return a function: it signs a call of ECR by botocore; it returns the headers."""

    def sign(
        environment: dict[str, str],
        *,
        service: str = "ecr",
        region: str = "eu-west-1",
        host: str = "",
        body: str = "{}",
        target: str = ECR_TARGET,
        content_type: str = AMZ_JSON,
    ) -> dict[str, str]:
        credentials = Credentials(
            environment["AWS_ACCESS_KEY_ID"],
            environment["AWS_SECRET_ACCESS_KEY"],
            environment.get("AWS_SESSION_TOKEN"),
        )
        url = f"http://{host or urlsplit(cloud.url).netloc}/"
        headers = {"Content-Type": content_type, "X-Amz-Target": target}
        request = AWSRequest("POST", url, headers, body)
        SigV4Auth(credentials, service, region).add_auth(request)
        return {"Host": urlsplit(url).netloc, **dict(request.headers)}

    return sign
