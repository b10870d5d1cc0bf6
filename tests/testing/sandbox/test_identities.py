"""boto3 accepts every identity, by endpoint variables and over verified TLS."""

from __future__ import annotations

import json

import pytest

from dockcred.testing.sandbox import Sandbox

pytestmark = pytest.mark.slow  # as a whole too long for `make test`

MINT = {"ecr:GetAuthorizationToken": 1}
IMDS = {"imds:token": 1, "imds:role": 1, "imds:credentials": 1}
ASSUME = {"sts:AssumeRole": 1}

# The principal that ECR sees, and the calls that were needed to become it.
IDENTITIES = {
    "env-keys": ("iam::123456789012:user/env-keys", {}),
    "env-session": ("sts::123456789012:assumed-role/env-session/sandbox", {}),
    "shared-credentials": ("iam::123456789012:user/shared-credentials", {}),
    "profile": ("iam::210987654321:user/profile", {}),
    "assume-role": ("sts::123456789012:assumed-role/assume-role/", ASSUME),
    "role-chain": (
        "sts::123456789012:assumed-role/role-chain/",
        {"sts:AssumeRole": 2},
    ),
    "assume-role-mfa": ("sts::123456789012:assumed-role/assume-role-mfa/", ASSUME),
    "credential-source-ec2": (
        "sts::123456789012:assumed-role/credential-source-ec2/",
        ASSUME | IMDS,
    ),
    "credential-process": (
        "sts::123456789012:assumed-role/credential-process/sandbox",
        {},
    ),
    "sso": (
        "sts::123456789012:assumed-role/AWSReservedSSO_sso_0123456789abcdef/",
        {"sso:GetRoleCredentials": 1},
    ),
    "sso-legacy": (
        "sts::123456789012:assumed-role/AWSReservedSSO_sso-legacy_0123456789abcdef/",
        {"sso:GetRoleCredentials": 1},
    ),
    "sso-refresh": (
        "sts::123456789012:assumed-role/AWSReservedSSO_sso-refresh_0123456789abcdef/",
        {"sso:GetRoleCredentials": 1, "sso-oidc:CreateToken": 1},
    ),
    "login": (
        "sts::123456789012:assumed-role/AWSReservedSSO_login_0123456789abcdef/",
        {},
    ),
    "login-refresh": (
        "sts::123456789012:assumed-role/AWSReservedSSO_login-refresh_0123456789abcdef/",
        {"signin:CreateOAuth2Token": 1},
    ),
    "web-identity": (
        "sts::123456789012:assumed-role/web-identity/",
        {"sts:AssumeRoleWithWebIdentity": 1},
    ),
    "container-relative": (
        "sts::123456789012:assumed-role/container-relative/task",
        {"container:credentials": 1},
    ),
    "pod-identity": (
        "sts::123456789012:assumed-role/pod-identity/pod",
        {"container:credentials": 1},
    ),
    "instance-profile": (
        "sts::123456789012:assumed-role/instance-profile/i-0123456789abcdef0",
        IMDS,
    ),
}
HOPELESS = {
    "sso-expired": "Token has expired",
    "login-expired": "reauthenticate",
    "nothing": "Unable to locate credentials",
}


def test_every_identity_is_tried(cloud: Sandbox):
    assert {*IDENTITIES, *HOPELESS} == cloud.aws.identities.keys()


@pytest.mark.parametrize("name", IDENTITIES)
@pytest.mark.parametrize("tls", [False, True], ids=["http", "tls"])
def test_boto3_mints_a_password_as_the_identity(name, tls, boto3):
    principal, cost = IDENTITIES[name]
    with Sandbox(tls=tls, expires_s=1234) as cloud:
        environment = cloud.environment(name)
        done = boto3(environment, stdin=f"{cloud.aws.mfa_code}\n")
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout)
        minted = cloud.minted(answer["password"])
        assert minted is not None
        assert minted.principal.startswith(f"arn:aws:{principal}")
        assert minted.expires_at == pytest.approx(answer["at"], abs=0.01)
        assert 1800 <= len(answer["password"]) <= 2700
        calls = {k: n for k, n in cloud.calls.items() if k != "proxy:CONNECT"}
        assert calls == MINT | cost
        services = {call.partition(":")[0] for call in cost} | {"ecr"}
        tunnels = services - {"imds", "container"}
        assert (cloud.calls["proxy:CONNECT"] >= len(tunnels)) is tls


@pytest.mark.parametrize(("name", "reason"), HOPELESS.items())
def test_boto3_finds_no_way_in(name, reason, boto3, cloud):
    done = boto3(cloud.environment(name))
    assert done.returncode == 1
    assert reason in done.stderr
    assert cloud.calls["ecr:GetAuthorizationToken"] == 0


@pytest.mark.parametrize("tls", [False, True], ids=["http", "tls"])
def test_boto3_mints_a_public_password_in_us_east_1(tls, boto3):
    program = """if True:
        import base64, boto3
        client = boto3.client("ecr-public", region_name="us-east-1")
        data = client.get_authorization_token()["authorizationData"]
        assert "proxyEndpoint" not in data
        print(base64.b64decode(data["authorizationToken"]).decode().partition(":")[2])
    """
    with Sandbox(tls=tls) as cloud:
        done = boto3(cloud.environment("env-keys"), program)
        minted = cloud.minted(done.stdout.strip())
    assert minted is not None, done.stderr
    assert (minted.service, minted.host) == ("ecr-public", "public.ecr.aws")


def test_the_instance_role_can_be_swapped(boto3, cloud):
    environment = cloud.environment("instance-profile")
    cloud.aws.role = "other-role"
    password = json.loads(boto3(environment).stdout)["password"]
    assert ":assumed-role/other-role/" in cloud.minted(password).principal


def test_sts_tells_boto3_who_it_is(boto3, cloud):
    program = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"
    done = boto3(cloud.environment("env-session"), program)
    principal = "assumed-role/env-session/sandbox"
    assert done.stdout == f"arn:aws:sts::123456789012:{principal}\n", done.stderr


def test_the_metadata_server_keeps_a_key_until_it_nears_its_end(boto3, cloud):
    environment = cloud.environment("instance-profile")
    keys = [
        cloud.minted(json.loads(boto3(environment).stdout)["password"]).access_key_id
        for _ in range(2)
    ]
    assert keys[0] == keys[1]


def test_a_password_is_minted_for_each_registry_id(boto3, cloud):
    program = """if True:
        import boto3
        ids = ["123456789012", "210987654321"]
        data = boto3.client("ecr").get_authorization_token(registryIds=ids)
        for each in data["authorizationData"]:
            print(each["proxyEndpoint"])
    """
    done = boto3(cloud.environment("env-keys"), program)
    assert done.stdout.split() == [
        "https://123456789012.dkr.ecr.eu-west-1.amazonaws.com",
        "https://210987654321.dkr.ecr.eu-west-1.amazonaws.com",
    ], done.stderr
