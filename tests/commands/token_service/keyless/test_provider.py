"""The service before an OpenID provider, which decides and signs for distribution 3.

The provider is a certified implementation of OpenID.
"""

from __future__ import annotations

import json
import time
import uuid
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.request import urlopen

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from real.parts import program
from support import token_service
from support.real import missing

from . import registries
from .clients import Job, Oras, Skopeo
from .registries import DISTRIBUTION_3, Site, free_port
from .test_clients import refused, succeeds

PROVIDER = Path(__file__).with_name("provider.mjs")
MODULE = DISTRIBUTION_3.parent / "oidc-provider/node_modules/oidc-provider/lib/index.js"


class Jobs:
    """Signs the jobs' JWTs with the key by which the provider knows its client."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.provider = ""

    def jwk(self) -> str:
        made = jwt.algorithms.ECAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return json.dumps(made | {"kid": "job", "alg": "ES256", "use": "sig"})

    def assertion(self, **changes: object) -> str:
        """A JWT that says who the client is (RFC 7523)."""
        now = int(time.time())
        claims = {"iss": "registry", "sub": "registry", "aud": self.provider}
        claims |= {"iat": now, "exp": now + 300, "jti": str(uuid.uuid4())} | changes
        return jwt.encode(claims, self.key, "ES256", {"kid": "job"})


@pytest.fixture(scope="module")
def jobs() -> Jobs:
    return Jobs()


@pytest.fixture(scope="module")
def front(
    jobs: Jobs, helper_bin: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """The provider, the service before it, and a registry that trusts the provider."""
    if not MODULE.exists():
        missing("oidc-provider is not installed: see .ci/run")
    place = tmp_path_factory.mktemp("front")
    provider, port, inner = free_port(), free_port(), free_port()
    jobs.provider = f"http://127.0.0.1:{provider}"
    variables = {
        "TOKEN_URL": f"{jobs.provider}/token",
        "CLIENT_ID": "registry",
        "SCOPE": "everything",
        "PASS_JWT_USERNAME": "JWT",
    }
    command = [program("node"), str(PROVIDER), str(MODULE), str(provider), jobs.jwk()]
    with ExitStack() as stack:
        stack.enter_context(
            registries.running(command, provider, place / "provider.log")
        )
        (place / "jwks.json").write_bytes(urlopen(f"{jobs.provider}/jwks").read())
        service = stack.enter_context(token_service.running(helper_bin, env=variables))
        site = Site(f"127.0.0.1:{port}", place, service, helper_bin)
        auth = (
            f"auth:\n  token:\n    realm: http://{site.host}/token\n"
            f"    service: {registries.SERVICE}\n    issuer: {jobs.provider}\n"
            f"    jwks: {place}/jwks.json\n    signingalgorithms: [ES256]\n"
        )
        binary = registries.distribution_3()
        stack.enter_context(registries.distribution(place, binary, inner, auth))
        stack.enter_context(registries.in_front(site, inner))
        yield site


def job(site: Site, home: Path, assertion: str, username: str = "JWT") -> Job:
    """Make a job with a JWT in docker's file, as distribution-oauth requires it."""
    made = Job(site, {"HOME": str(home)}, "", "")
    auth = b64encode(f"{username}:{assertion}".encode()).decode()
    config = {"auths": {site.host: {"auth": auth}}}
    (home / ".docker/config.json").write_text(json.dumps(config))
    return made


@pytest.mark.parametrize("tool", [Skopeo, Oras])
def test_a_job_pushes_and_pulls(front: Site, jobs: Jobs, tmp_path: Path, tool):
    client = tool(job(front, tmp_path, jobs.assertion()))
    ref = f"{front.host}/team/app:{tool.__name__.lower()}"
    since = len(front.visits())
    succeeds(client.push(ref))
    succeeds(client.pull(ref))
    assert front.answered("201 PUT /v2/team/app/manifests/", since)


def test_two_scopes_go_up_in_one_request(front: Site, jobs: Jobs, tmp_path: Path):
    """A mount needs both; distribution-oauth passed on only the first scope."""
    one = Skopeo(job(front, tmp_path, jobs.assertion()))
    base = f"{front.host}/team/base:1"
    succeeds(one.push(base))
    since = len(front.visits())
    plain = ("--src-tls-verify=false", "--dest-tls-verify=false")
    copied = f"docker://{front.host}/team/copy:1"
    succeeds(one.copy(*plain, f"docker://{base}", copied))
    assert front.answered("201 POST /v2/team/copy/blobs/uploads/?from=", since) or (
        front.answered("201 POST /v2/team/copy/blobs/uploads/?mount=", since)
    )


def test_what_the_provider_does_not_allow_is_refused(
    front: Site, jobs: Jobs, tmp_path: Path
):
    since = len(front.visits())
    done = Skopeo(job(front, tmp_path, jobs.assertion())).push(
        f"{front.host}/other/a:1"
    )
    refused(done, front, since, "/v2/other/a/")


@pytest.mark.parametrize(
    "changes",
    [{"aud": "https://other.example.com"}, {"sub": "other"}, {"exp": 1}],
    ids=str,
)
def test_one_claim_changed_opens_nothing(
    front: Site, jobs: Jobs, tmp_path: Path, changes: dict[str, object]
):
    since = len(front.visits())
    client = Skopeo(job(front, tmp_path, jobs.assertion(**changes)))
    refused(client.push(f"{front.host}/team/app:1"), front, since, "/v2/team/app/")


def test_the_reply_has_its_life_and_hands_no_error_on(front: Site, jobs: Jobs):
    good = front.service.get("repository:team/app:pull", token=jobs.assertion())
    assert good.json()["expires_in"] == 240
    assert good.json()["token"] == good.json()["access_token"]
    assert "set-cookie" not in good.headers
    bad = front.service.get("repository:team/app:pull", token="no.j.wt")
    assert bad.status == 401
    assert b"invalid_client" not in bad.body
    anonymous = front.service.get("repository:team/app:pull")
    assert anonymous.status == 401
    assert "eyJ" not in b"".join(front.service.raw).decode()
