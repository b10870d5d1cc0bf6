"""The sandbox's Alibaba Cloud refuses the signatures that the real one refuses."""

from __future__ import annotations

import pytest

from dockcred.providers.alibaba.api import AlibabaKeys, Call, sign
from dockcred.testing.sandbox.alibaba import REGION, Alibaba
from dockcred.testing.sandbox.alibaba.services import ACCOUNT
from dockcred.testing.sandbox.messages import Request
from dockcred.testing.sandbox.service import Reason, Refusal

HOST = f"cr.{REGION}.aliyuncs.com"
NOW = 1_790_000_000.0


@pytest.fixture
def cloud() -> Alibaba:
    return Alibaba(3600)


def signed(cloud: Alibaba, *, host: str = HOST, when: float = NOW, nonce="n", **query):
    """Return a call like our program's, signed with a key that the sandbox knows."""
    key = cloud.gate.permanent(ACCOUNT, "builder")
    call = Call(host, "GetAuthorizationToken", "2018-12-01", query)
    keys = AlibabaKeys(key.access_key_id, key.secret)
    headers = sign(call, keys, nonce=nonce, now=when)
    return Request("POST", "https", host, "/", call.query, tuple(headers.items()), b"")


def asked(cloud: Alibaba, request: Request) -> int:
    return cloud.services[0].answer(request, NOW).status


def but(request: Request, **changed) -> Request:
    """Return the same request with other parts, and the old signature."""
    given = {name: getattr(request, name) for name in Request.__slots__}
    return Request(**(given | changed))


def with_header(request: Request, name: str, value: str) -> Request:
    kept = [each for each in request.headers if each[0] != name]
    return but(request, headers=(*kept, (name, value)))


def test_what_is_signed_well_is_served(cloud) -> None:
    assert asked(cloud, signed(cloud, InstanceId="cri-acme00000000001")) == 200


@pytest.mark.parametrize(
    "change",
    [
        lambda r: but(r, query=r.query.replace("cri-acme", "cri-other")),
        lambda r: but(r, path="/other"),
        lambda r: but(r, method="GET"),
        lambda r: but(r, body=b"more"),
        lambda r: with_header(r, "x-acs-action", "ListInstance"),
        lambda r: with_header(r, "x-acs-signature-nonce", "another"),
        lambda r: with_header(r, "host", "cr.cn-beijing.aliyuncs.com"),
        lambda r: with_header(r, "authorization", r.header("authorization")[:-1] + "g"),
        lambda r: with_header(r, "x-acs-more", "unsigned"),
    ],
    ids=[
        *("query", "path", "method", "body", "action", "nonce", "host", "signature"),
        "unsigned header",
    ],
)
def test_what_was_changed_after_it_was_signed_is_refused(cloud, change) -> None:
    request = signed(cloud, InstanceId="cri-acme00000000001")
    with pytest.raises(Refusal) as refused:
        asked(cloud, change(request))
    assert refused.value.reason in {Reason.BAD_SIGNATURE, Reason.MALFORMED}


@pytest.mark.parametrize("when", [NOW - 901, NOW + 901])
def test_another_date_is_refused(cloud, when) -> None:
    with pytest.raises(Refusal) as refused:
        asked(cloud, signed(cloud, when=when, InstanceId="cri-acme00000000001"))
    assert refused.value.aws_code == "InvalidTimeStamp.Expired"


def test_a_nonce_is_good_for_one_request(cloud) -> None:
    request = signed(cloud, InstanceId="cri-acme00000000001")
    assert asked(cloud, request) == 200
    with pytest.raises(Refusal) as refused:
        asked(cloud, request)
    assert refused.value.aws_code == "SignatureNonceUsed"


def test_another_region_s_endpoint_does_not_know_the_instance(cloud) -> None:
    request = signed(
        cloud, host="cr.cn-beijing.aliyuncs.com", InstanceId="cri-acme00000000001"
    )
    with pytest.raises(Refusal) as refused:
        asked(cloud, request)
    assert refused.value.aws_code == "INSTANCE_NOT_EXIST"


def test_a_session_that_has_ended_is_refused(cloud) -> None:
    key = cloud.gate.temporary(ACCOUNT, "r", "s", NOW - 1)
    call = Call(HOST, "GetAuthorizationToken", "2018-12-01", {"InstanceId": "x"})
    keys = AlibabaKeys(key.access_key_id, key.secret, key.token)
    headers = sign(call, keys, nonce="n", now=NOW)
    ended = Request("POST", "https", HOST, "/", call.query, tuple(headers.items()), b"")
    with pytest.raises(Refusal) as refused:
        asked(cloud, ended)
    assert refused.value.reason is Reason.EXPIRED


def test_a_password_ends_and_opens_its_own_registry_alone(cloud) -> None:
    asked(cloud, signed(cloud, InstanceId="cri-acme00000000001"))
    (password,) = cloud.passwords
    host = f"acme-registry-vpc.{REGION}.cr.aliyuncs.com"
    minted = cloud.passwords[password]
    assert minted.expires_at == NOW + 3600
    assert cloud.admits("cr_temp_user", password, host, minted.expires_at - 1)
    assert not cloud.admits("cr_temp_user", password, host, minted.expires_at)
    others = (
        "acme-registry.cn-beijing.cr.aliyuncs.com",
        f"registry.{REGION}.aliyuncs.com",
    )
    assert not any(cloud.admits("cr_temp_user", password, each, NOW) for each in others)
