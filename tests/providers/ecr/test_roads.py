"""On both roads the program uses the same identity as boto3 on the same machine."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from support.program import ACCOUNT, BUSY_S, HOST, PUBLIC

from dockcred.testing.sandbox import Sandbox

pytestmark = pytest.mark.slow  # as a whole too long for `make test`

BOTH_ROADS = (
    "env-keys",
    "env-session",
    "web-identity",
    "container-relative",
    "pod-identity",
    "instance-profile",
)
SDK_ROAD = (
    "shared-credentials",
    "profile",
    "assume-role",
    "role-chain",
    "credential-source-ec2",
    "credential-process",
    "sso",
    "sso-legacy",
    "sso-refresh",
    "login",
    "login-refresh",
)
OTHERWISE = {
    "assume-role-mfa": "test_mfa.py: needs the session that the AWS CLI has kept",
    "sso-expired": "tests/failures: an error with the command to run",
    "login-expired": "tests/failures: an error with the command to run",
    "nothing": "tests/protocol: an error, or the sentence",
}
SESSION = {"AWS_ROLE_SESSION_NAME": "a-name-of-ours"}
ASK = """
import base64, json, sys, boto3
account, = sys.argv[1:]
client = boto3.client("ecr", region_name="eu-west-1")
data = client.get_authorization_token(registryIds=[account])["authorizationData"][0]
print(base64.b64decode(data["authorizationToken"]).decode().partition(":")[2])
"""


def _boto3(environment) -> str:
    """Return the password that boto3 gets with these variables."""
    done = subprocess.run(
        [sys.executable, "-B", "-c", ASK, ACCOUNT],
        env=environment,
        capture_output=True,
        text=True,
        timeout=BUSY_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _asked(cloud):
    """Return the calls to the cloud, except the proxy's, and the bodies ECR got."""
    calls = {k: v for k, v in cloud.calls.items() if not k.startswith("proxy:")}
    bodies = [r.body for r in cloud.requests if r.host.startswith("api.ecr.")]
    return calls, [json.loads(body) for body in bodies]


@pytest.mark.parametrize("identity", BOTH_ROADS)
def test_both_roads_mint_for_whom_boto3_mints_with_the_same_calls(identity, ecr, cloud):
    environment = cloud.environment(identity) | SESSION | {"DOCKCRED_CACHE": "off"}
    password = _boto3(environment)
    principal, calls = cloud.minted(password).principal, _asked(cloud)
    for road in ("direct", "sdk"):
        cloud.reset()
        password = ecr.get(environment | {"DOCKCRED_ROAD": road}).password
        assert cloud.minted(password).principal == principal, road
        assert cloud.minted(password).account == ACCOUNT
        assert _asked(cloud) == calls, road


@pytest.mark.parametrize("identity", BOTH_ROADS)
def test_a_machine_s_identity_takes_the_direct_road_by_itself(identity, ecr, cloud):
    """The User-Agent shows it: botocore sends another one."""
    environment = cloud.environment(identity)
    ecr.get(environment)
    agents = {r.header("user-agent") for r in cloud.requests if r.scheme == "https"}
    assert all(agent.startswith("dockcred/") for agent in agents), agents


@pytest.mark.parametrize("identity", SDK_ROAD)
def test_the_sdk_road_mints_for_whom_boto3_mints(identity, ecr, cloud):
    environment = cloud.environment(identity) | {"DOCKCRED_CACHE": "off"}
    password = ecr.get(environment).password
    principal = cloud.minted(password).principal
    theirs = cloud.minted(_boto3(environment)).principal
    assert _without_session(principal) == _without_session(theirs)


def _without_session(arn: str) -> str:
    """Leave out the session name that botocore makes from the time."""
    return arn.rpartition("/botocore-session-")[0] or arn


@pytest.mark.parametrize("identity", [*BOTH_ROADS, *SDK_ROAD])
def test_the_public_gallery_is_served_by_the_same_identity(identity, ecr, cloud):
    environment = cloud.environment(identity) | SESSION
    private = cloud.minted(ecr.get(environment, HOST).password)
    public = cloud.minted(ecr.get(environment, PUBLIC).password)
    assert public.service == "ecr-public"
    assert _without_session(public.principal) == _without_session(private.principal)


def test_every_identity_of_the_sandbox_is_shown():
    with Sandbox() as cloud:
        names = set(cloud.aws.identities)
    assert names == {*BOTH_ROADS, *SDK_ROAD, *OTHERWISE}


@pytest.mark.parametrize(
    "host", [HOST, HOST.replace("ecr.", "ecr-fips."), PUBLIC, "ecr-public.aws.com"]
)
def test_endpoint_variables_lead_both_roads_to_a_test_cloud(host, ecr):
    """The cloud is on the loopback without TLS, as `dockcred sandbox` starts it."""
    with Sandbox() as cloud:
        for road in ("direct", "sdk"):
            extra = {"DOCKCRED_ROAD": road, "DOCKCRED_CACHE": "off"}
            assert cloud.minted(ecr.get(cloud.environment() | extra, host).password)


def test_env_keys_beat_a_profile(ecr, cloud):
    """As in every AWS SDK; AWS_PROFILE in a shell profile must not win over a job's keys."""
    profile = cloud.environment("profile")
    keys = cloud.environment("env-keys")
    both = profile | {k: v for k, v in keys.items() if k.startswith("AWS_")}
    for road in ({}, {"DOCKCRED_ROAD": "sdk"}):
        password = ecr.get(both | road | {"DOCKCRED_CACHE": "off"}).password
        assert cloud.minted(password).principal.endswith("user/env-keys")


def test_ecr_login_s_other_names_of_the_keys_work(ecr, cloud):
    """The names are AWS_ACCESS_KEY and AWS_SECRET_KEY; botocore does not know them."""
    environment = cloud.environment("env-keys")
    renamed = {
        {
            "AWS_ACCESS_KEY_ID": "AWS_ACCESS_KEY",
            "AWS_SECRET_ACCESS_KEY": "AWS_SECRET_KEY",
        }.get(k, k): v
        for k, v in environment.items()
    }
    for road in ({}, {"DOCKCRED_ROAD": "sdk"}):
        password = ecr.get(renamed | road | {"DOCKCRED_CACHE": "off"}).password
        assert cloud.minted(password).principal.endswith("user/env-keys")


def test_empty_variables_are_as_good_as_none(ecr, cloud):
    """A CI system sets an empty variable for a setting that is not configured."""
    empty = dict.fromkeys(
        ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN", "AWS_ENDPOINT_URL"), ""
    )
    for road in ({}, {"DOCKCRED_ROAD": "sdk"}):
        environment = cloud.environment() | empty | road | {"DOCKCRED_CACHE": "off"}
        assert cloud.minted(ecr.get(environment).password)


@pytest.mark.parametrize("region", [{}, {"AWS_REGION": "", "AWS_DEFAULT_REGION": ""}])
def test_the_region_is_the_host_s_whatever_the_variables_say(region, ecr, cloud):
    host = HOST.replace("eu-west-1", "ap-south-1")
    for road in ("direct", "sdk"):
        extra = {"DOCKCRED_ROAD": road, "DOCKCRED_CACHE": "off"} | region
        password = ecr.get(cloud.environment() | extra, host).password
        assert cloud.minted(password).region == "ap-south-1"
