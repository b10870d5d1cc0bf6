"""Real host names lead to their services, and look-alikes to none."""

from __future__ import annotations

import pytest

from dockcred.testing.sandbox.aws.registry import registry_host

# boto3's endpoints in the five partitions: plain, FIPS, dual-stack, and both.
HOSTS = {
    "api.ecr.eu-west-1.amazonaws.com": "ecr",
    "ecr-fips.us-gov-west-1.amazonaws.com": "ecr",
    "ecr.eu-west-1.api.aws": "ecr",
    "ecr-fips.us-east-1.api.aws": "ecr",
    "api.ecr.cn-north-1.amazonaws.com.cn": "ecr",
    "ecr.cn-north-1.api.amazonwebservices.com.cn": "ecr",
    "api.ecr.eusc-de-east-1.amazonaws.eu": "ecr",
    "api.ecr.us-iso-east-1.c2s.ic.gov": "ecr",
    "api.ecr-fips.us-isob-east-1.sc2s.sgov.gov": "ecr",
    "api.ecr-public.us-east-1.amazonaws.com": "ecr-public",
    "ecr-public.us-east-1.api.aws": "ecr-public",
    "sts.amazonaws.com": "sts",
    "sts.eu-west-1.amazonaws.com": "sts",
    "sts.cn-north-1.amazonaws.com.cn": "sts",
    "portal.sso.eu-west-1.amazonaws.com": "sso",
    "oidc.eu-west-1.amazonaws.com": "sso-oidc",
    "169.254.169.254": "imds",
    "169.254.170.2": "container",
    "169.254.170.23": "container",
}
LOOKALIKES = [
    "",
    "example.com",
    "api.ecr.eu-west-1.amazonaws.com.evil.example",
    "xapi.ecr.eu-west-1.amazonaws.com",
    "apixecr.eu-west-1.amazonaws.com",
    "api.ecr.eu-west-1.amazonaws.com\n",
    "api.ecr-public.eu-west-1.amazonaws.com",
    "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
]


def services(cloud, host):
    return [service.name for service in cloud.aws.services if service.has_host(host)]


@pytest.mark.parametrize(("host", "service"), HOSTS.items())
def test_a_real_host_is_one_service(cloud, host, service):
    assert services(cloud, host) == [service]


@pytest.mark.parametrize("host", LOOKALIKES)
def test_a_lookalike_is_none(cloud, host):
    assert services(cloud, host) == []


@pytest.mark.parametrize(
    ("region", "suffix"),
    [
        ("eu-west-1", "amazonaws.com"),
        ("us-gov-west-1", "amazonaws.com"),
        ("cn-north-1", "amazonaws.com.cn"),
        ("eusc-de-east-1", "amazonaws.eu"),
        ("us-iso-east-1", "c2s.ic.gov"),
        ("us-isob-east-1", "sc2s.sgov.gov"),
    ],
)
def test_a_registry_is_in_its_partition(region, suffix):
    host = registry_host("123456789012", region)
    assert host == f"123456789012.dkr.ecr.{region}.{suffix}"
