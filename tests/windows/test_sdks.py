"""The clouds' own SDKs in Python for Windows: identities that need one, and others."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from support import real

from .conftest import PLACE, Case
from .test_helpers import ACR, ACR_HOST, ECR, ECR_HOST, GAR_HOST, GCR, PATIENT

pytestmark = pytest.mark.slow


class Road(NamedTuple):
    """A program and a host for an identity, and the call that its SDK makes."""

    program: str
    host: str
    call: str


TOKEN = "entra:token:client_credentials"
ROADS = {
    "env-keys": Road(ECR, ECR_HOST, "ecr:GetAuthorizationToken"),
    "assume-role": Road(ECR, ECR_HOST, "sts:AssumeRole"),
    "sso": Road(ECR, ECR_HOST, "sso:GetRoleCredentials"),
    "azure-client-secret": Road(ACR, ACR_HOST, TOKEN),
    "azure-client-certificate": Road(ACR, ACR_HOST, TOKEN),
    "azure-imds": Road(ACR, ACR_HOST, "azure-imds:token"),
    "google-service-account": Road(GCR, GAR_HOST, "google-oauth:jwt-bearer"),
    "google-wif-file": Road(GCR, GAR_HOST, "iamcredentials:generateAccessToken"),
}


@pytest.mark.parametrize("identity", ROADS)
def test_it_answers_by_the_sdk_and_then_from_the_cache(windows, cloud, identity):
    if not (PLACE / "python/Lib/site-packages/boto3").exists():
        real.missing("Windows' Python under Wine has no SDKs (.ci/wine.sh)")
    road = ROADS[identity]
    variables = cloud.environment(identity) | PATIENT | {"DOCKCRED_ROAD": "sdk"}
    variables["USERPROFILE"] = windows.path(cloud.home / identity)
    case = Case(road.program, ("get",), road.host, variables)
    first, again = windows.many([case, case])
    assert (first.status, first.stderr) == (0, b""), first
    assert again.password == first.password
    assert cloud.calls[road.call] == 1
