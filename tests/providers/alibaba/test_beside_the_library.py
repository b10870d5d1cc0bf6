"""Our requests and choice of identity, compared with Alibaba's library and its SDK."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qsl

import pytest
from hypothesis import strategies as st
from support.differential import meant
from support.program import BUSY_S

from dockcred.errors import DockcredError
from dockcred.providers.alibaba import machine
from dockcred.providers.alibaba.api import AlibabaKeys, Call, sign
from dockcred.providers.alibaba.hosts import AlibabaRegistry
from dockcred.providers.alibaba.identity import AlibabaIdentity, choose
from dockcred.system.environment import Environment
from dockcred.testing.sandbox.alibaba import ENTERPRISE, PERSONAL, REGION
from dockcred.transport.response import Response

PRINTABLE = st.text(
    st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40
)
REGISTRY = AlibabaRegistry(REGION)
KEYS = ["ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"]
POD = {
    "ALIBABA_CLOUD_ROLE_ARN": "acs:ram::1:role/pod",
    "ALIBABA_CLOUD_OIDC_PROVIDER_ARN": "acs:ram::1:oidc-provider/x",
    "ALIBABA_CLOUD_OIDC_TOKEN_FILE": "token",
}


def test_the_signature_is_byte_for_byte_the_sdk_s(side_by_side) -> None:
    utils = pytest.importorskip("alibabacloud_tea_openapi.utils").Utils

    def compare(key_id, secret, token, name, nonce, now) -> None:
        fields = {"InstanceName": name} if name else {}
        call = Call(f"cr.{REGION}.aliyuncs.com", "ListInstance", "2018-12-01", fields)
        ours = sign(
            call, AlibabaKeys(key_id, secret, token), nonce=nonce, now=float(now)
        )
        given = ours.pop("authorization")
        request = SimpleNamespace(
            method="POST", pathname="/", query=fields, headers=ours
        )
        empty = ours["x-acs-content-sha256"]
        theirs = utils.get_authorization(
            request, "ACS3-HMAC-SHA256", empty, key_id, secret
        )
        assert given == theirs

    side_by_side(
        compare,
        *(PRINTABLE, PRINTABLE, st.just("") | PRINTABLE),
        *(st.text(max_size=30), PRINTABLE, st.integers(0, 4_000_000_000)),
        share=0.4,
    )


THEIR_CALLS = """
import os, sys
from alibabacloud_cr20181201.client import Client
from alibabacloud_cr20181201 import models
from alibabacloud_tea_openapi import models as openapi
from alibabacloud_tea_openapi.utils_models import Config, OpenApiRequest, Params
from darabonba.runtime import RuntimeOptions

get = os.environ.get
client = Client(Config(
    access_key_id=get("ALIBABA_CLOUD_ACCESS_KEY_ID"),
    access_key_secret=get("ALIBABA_CLOUD_ACCESS_KEY_SECRET"),
    security_token=get("ALIBABA_CLOUD_SECURITY_TOKEN"),
    region_id=sys.argv[1],
))
options = RuntimeOptions(ca=get("SSL_CERT_FILE"))
found = client.list_instance_with_options(
    models.ListInstanceRequest(instance_name="acme"), options).body.instances
(which,) = (each.instance_id for each in found if each.instance_name == "acme")
asked = models.GetAuthorizationTokenRequest(instance_id=which)
body = client.get_authorization_token_with_options(asked, options).body
print(body.temp_username, body.authorization_token)
personal = Params(action="GetAuthorizationToken", version="2016-06-07",
    protocol="HTTPS", pathname="/tokens", method="GET", auth_type="AK", style="ROA",
    req_body_type="json", body_type="json")
data = client.call_api(personal, OpenApiRequest(), options)["body"]["data"]
print(data["tempUserName"], data["authorizationToken"])
"""
SIGNED_BY_SDK = {"x-acs-credentials-provider"}


def as_sent(request) -> tuple[object, ...]:
    """Return a request's parts to compare, without the client's name and the nonces."""
    words = {
        name.lower(): value
        for name, value in request.headers
        if name.lower().startswith("x-acs-")
    }
    for name in ("x-acs-date", "x-acs-signature-nonce", *SIGNED_BY_SDK):
        words.pop(name, None)
    place = (request.method, request.host, request.path, request.query)
    return (*place, request.body, sorted(words.items()))


@pytest.mark.parametrize("identity", ["alibaba-env-keys", "alibaba-session-keys"])
def test_the_requests_are_those_of_the_sdk(identity, program, cloud) -> None:
    pytest.importorskip("alibabacloud_cr20181201")
    environment = cloud.environment(identity)
    done = subprocess.run(
        [sys.executable, "-c", THEIR_CALLS, REGION],
        env=environment,
        capture_output=True,
        text=True,
        timeout=BUSY_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    passwords = [line.split() for line in done.stdout.splitlines()]
    for (user, password), host in zip(passwords, (ENTERPRISE, PERSONAL), strict=True):
        assert cloud._exchange._admits(user, password, host)
    theirs = [as_sent(each) for each in cloud.requests if "cr." in each.host]
    cloud.reset()
    for host in (ENTERPRISE, PERSONAL):
        assert program.get(environment, host).password
    ours = [as_sent(each) for each in cloud.requests if "cr." in each.host]
    assert ours == theirs
    assert len(ours) == 3


def test_a_pod_s_token_is_traded_where_and_as_the_library_does(
    side_by_side, tmp_path, monkeypatch
) -> None:
    oidc = pytest.importorskip("alibabacloud_credentials.provider.oidc")
    from alibabacloud_credentials.utils import auth_util
    from Tea.core import TeaCore

    token = tmp_path / "token"
    token.write_text("a.b.c")
    pod = POD | {"ALIBABA_CLOUD_OIDC_TOKEN_FILE": str(token)}
    sent = []

    def their_request(request, _options=None):
        sent.append((request.headers["host"], request.query))
        return their_answer(request)

    def our_request(_method, url, _environment, *, headers, body):
        assert headers["content-type"] == "application/x-www-form-urlencoded"
        sent.append((url.split("/")[2], dict(parse_qsl(body.decode()))))
        keys = their_answer(SimpleNamespace(headers={"host": "x"})).body
        return Response(200, {}, keys)

    monkeypatch.setattr(TeaCore, "do_action", staticmethod(their_request))
    monkeypatch.setattr(machine, "request", our_request)

    def compare(region, vpc, session) -> None:
        variables = pod | {
            "ALIBABA_CLOUD_STS_REGION": region,
            "ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED": vpc,
            "ALIBABA_CLOUD_ROLE_SESSION_NAME": session,
        }
        os.environ.clear()
        os.environ.update(variables)
        importlib.reload(auth_util)
        sent.clear()
        oidc.OIDCRoleArnCredentialsProvider().get_credentials()
        AlibabaIdentity(REGISTRY, Environment(variables), "alibaba:oidc")._keys()
        (their_host, theirs), (our_host, ours) = sent
        assert our_host == their_host
        for name in ("Timestamp", *([] if session else ["RoleSessionName"])):
            assert theirs.pop(name)
            assert ours.pop(name)
        # 3600 is STS's default, so we leave it out.
        assert theirs.pop("DurationSeconds") == "3600"
        assert ours == theirs

    side_by_side(
        compare,
        st.sampled_from(["", "cn-hangzhou", "ap-southeast-1"]),
        st.sampled_from(["", "true", "TRUE", "false", "1"]),
        st.sampled_from(["", "builder@pod"]),
        share=0.2,
    )


NAMES = ["default", "work", "none"]


@st.composite
def cli_profiles(draw):
    """A profile of the CLI's file, complete or not."""
    name = draw(st.sampled_from(NAMES[:2]))
    keys = {"access_key_id": f"cli-{name}", "access_key_secret": "s"}
    if draw(st.integers(0, 5)) == 0:
        keys["access_key_secret"] = ""
    role = {"ram_role_arn": "acs:ram::1:role/r"} if draw(st.integers(0, 4)) else {}
    token = {"sts_token": "t"} if draw(st.integers(0, 4)) else {}
    mode = draw(st.sampled_from(["AK", "StsToken", "RamRoleArn", "EcsRamRole", "Odd"]))
    return {"name": name, "mode": mode, **keys, **role, **token}


@st.composite
def homes(draw):
    """Variables, and the texts of files below a home directory; None: no such file."""
    odds = st.integers(0, 3)
    variables = dict.fromkeys(KEYS[: draw(st.sampled_from([0, 0, 0, 0, 1, 2]))], "k")
    if draw(odds) == 0:
        variables |= {name: POD[name] for name in POD if draw(odds)}
    if draw(odds) == 0:
        variables["ALIBABA_CLOUD_PROFILE"] = draw(st.sampled_from([*NAMES, ""]))
    if draw(odds) == 0:
        variables["ALIBABA_CLOUD_CLI_PROFILE_DISABLED"] = draw(
            st.sampled_from(["true", "TRUE", "false", "1"])
        )
    if draw(odds) == 0:
        variables["ALIBABA_CLOUD_ECS_METADATA_DISABLED"] = "true"
    content = {"profiles": draw(st.lists(cli_profiles(), max_size=2))}
    if draw(odds):
        content["current"] = draw(st.sampled_from(NAMES))
    whole = json.dumps(content)
    cli = draw(st.sampled_from([None, whole, whole, whole, "{", "[]"]))
    rows = [
        f"[{name}]\ntype = {kind}\naccess_key_id = ini-{name} # mine\n"
        f"access_key_secret = {draw(st.sampled_from(['s', 's', 's', '']))}\n"
        "role_arn = acs:ram::1:role/r\n"
        for name in NAMES[:2]
        if draw(odds)
        for kind in [draw(st.sampled_from(["access_key", "ram_role_arn", "odd"]))]
    ]
    ini = draw(st.sampled_from([None, *["\n".join(rows)] * 3, "no section\n"]))
    place = draw(st.sampled_from(["credentials.ini"] * 3 + ["credentials"]))
    return variables, {".aliyun/config.json": cli, f".alibabacloud/{place}": ini}


def their_answer(request, _options=None) -> SimpleNamespace:
    """Answer the library's request, as STS and the metadata service do."""
    key = {"AccessKeyId": f"at-{request.headers['host']}", "AccessKeySecret": "s"}
    key |= {"SecurityToken": "t", "Expiration": "2126-01-01T00:00:00Z"}
    body = json.dumps({"Code": "Success", **key, "Credentials": key})
    return SimpleNamespace(status_code=200, body=body.encode())


@pytest.fixture
def library(monkeypatch):
    """Return a function: it returns the provider and key id of the library's chain."""
    pytest.importorskip("alibabacloud_credentials")
    from alibabacloud_credentials.provider import default, ecs_ram_role
    from alibabacloud_credentials.utils import auth_constant, auth_util
    from Tea.core import TeaCore

    monkeypatch.setattr(TeaCore, "do_action", staticmethod(their_answer))
    idle = SimpleNamespace(
        add_job=lambda *_, **__: None, start=lambda: None, shutdown=lambda **_: None
    )
    monkeypatch.setattr(ecs_ram_role, "BackgroundScheduler", lambda: idle)

    def ask() -> tuple[str, str]:
        importlib.reload(auth_util)
        importlib.reload(auth_constant)
        try:
            found = default.DefaultCredentialsProvider().get_credentials()
        except Exception:  # noqa: BLE001 - it raises errors of any class
            return "nobody", ""
        _, owner, *_ = found.get_provider_name().split("/")
        return owner, found.get_access_key_id()

    return ask


OWNERS = {
    "alibaba:env-keys": {"env"},
    "alibaba:oidc": {"oidc_role_arn"},
    "alibaba:profile": {"cli_profile", "profile"},
    "alibaba:profile-of-another": {"cli_profile", "profile"},
    # A profile may mean the machine's role, which we ask for without the library.
    "alibaba:ecs-role": {"ecs_ram_role", "cli_profile", "nobody"},
}


def test_who_is_asked_is_whom_the_library_asks(
    side_by_side, library, tmp_path_factory
) -> None:
    def compare(found):
        variables, files = found
        home = tmp_path_factory.mktemp("home")
        (home / "token").write_text("t.t.t")
        variables = variables | {"HOME": str(home)}
        if "ALIBABA_CLOUD_OIDC_TOKEN_FILE" in variables:
            variables["ALIBABA_CLOUD_OIDC_TOKEN_FILE"] = str(home / "token")
        for name, text in files.items():
            if text is not None:
                (home / name).parent.mkdir(exist_ok=True)
                (home / name).write_text(text)
        os.environ.clear()
        os.environ.update(variables)
        owner, key_id = library()
        environment = Environment(variables)
        try:
            ours = choose(REGISTRY, environment)
            source = ours.sources[0]
            ours_key = ours._keys().access_key_id if "profile" in source else ""
        except DockcredError as error:
            return why(str(error))
        if "credentials" in str(ours._profile and Path(ours._profile.file).name):
            if Path(ours._profile.file).suffix != ".ini":
                return meant("alibaba-second-file")
            if variables.get("ALIBABA_CLOUD_PROFILE") == "" and owner != "profile":
                return meant("alibaba-empty-is-not-set")
        assert owner in OWNERS[source], (owner, source, found)
        if ours_key:
            assert ours_key == key_id, (owner, source, found)
        return None

    side_by_side(compare, homes(), share=0.5, shows=lambda ends: ends["alike"] > 20)


def why(said: str) -> str:
    """Return the name of the meant difference that an error message stands for."""
    if " is set and " in said:
        return meant("alibaba-half-keys")
    if "does not exist" in said:
        return meant("alibaba-profile-of-no-file")
    if "cannot be read as a file" in said:
        return meant("alibaba-unreadable-file")
    failed = ("has no keys of the profile", "means the machine's role, and ")
    assert any(words in said for words in failed), said
    return meant("alibaba-failing-source")
