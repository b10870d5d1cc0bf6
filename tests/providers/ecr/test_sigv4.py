"""The direct road's signature is compared with that of botocore's signer."""

from __future__ import annotations

import datetime as dt

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dockcred.providers.ecr.api import sign
from dockcred.providers.ecr.endpoints import Keys

PRINTABLE = st.text(
    st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    key_id=PRINTABLE.map(lambda text: "AKIA" + text.replace("/", "")),
    secret=PRINTABLE,
    token=st.just("") | PRINTABLE,
    body=st.binary(max_size=200),
    region=st.sampled_from(["eu-west-1", "us-gov-east-1", "cn-north-1"]),
    service=st.sampled_from(["ecr", "ecr-public", "sts"]),
    now=st.integers(0, 4_000_000_000),
)
@example(
    key_id="AKIAA",
    secret="a secret",
    token="",
    body=b"{}",
    region="eu-west-1",
    service="ecr",
    now=1_800_000_000,
)
def test_it_is_byte_for_byte_botocore_s(
    key_id, secret, token, body, region, service, now, monkeypatch
):
    monkeypatch.setattr(
        botocore.auth,
        "get_current_datetime",
        lambda *_, **__: dt.datetime.fromtimestamp(now, dt.UTC).replace(tzinfo=None),
    )
    host = f"api.{service}.{region}.amazonaws.com"
    headers = {
        "content-type": "application/x-amz-json-1.1",
        "x-amz-target": "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken",
    }
    theirs = AWSRequest("POST", f"https://{host}/", dict(headers), body)
    botocore.auth.SigV4Auth(
        Credentials(key_id, secret, token or None), service, region
    ).add_auth(theirs)
    ours = sign(
        Keys(key_id, secret, token),
        region=region,
        service=service,
        host=host,
        path="/",
        headers=headers,
        body=body,
        now=float(now),
    )
    assert ours["x-amz-date"] == theirs.headers["X-Amz-Date"]
    assert ours["authorization"] == theirs.headers["Authorization"]
    assert ours.get("x-amz-security-token") == theirs.headers.get(
        "X-Amz-Security-Token"
    )


@pytest.mark.parametrize("road", ["direct", "sdk"])
def test_a_wrong_secret_is_seen_by_the_cloud(road, ecr, cloud):
    """The sandbox verifies signatures; if not, tests against it would prove little."""
    environment = cloud.environment() | {"DOCKCRED_ROAD": road}
    environment["AWS_SECRET_ACCESS_KEY"] = "not-the-secret"
    assert "signature" in ecr.get(environment).said
