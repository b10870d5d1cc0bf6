"""Which hosts are Alibaba Cloud's registries, and what is read from their names."""

from __future__ import annotations

import pytest

from dockcred.providers.alibaba.hosts import registry_of

PERSONAL = [
    ("registry.cn-beijing.aliyuncs.com", "cn-beijing"),
    ("registry-vpc.cn-beijing.aliyuncs.com", "cn-beijing"),
    ("registry-internal.cn-beijing.aliyuncs.com", "cn-beijing"),
    ("registry-intl.ap-southeast-1.aliyuncs.com", "ap-southeast-1"),
    ("registry-intl-vpc.ap-southeast-1.aliyuncs.com", "ap-southeast-1"),
    ("registry.cn-shanghai-finance-1.aliyuncs.com", "cn-shanghai-finance-1"),
    ("crpi-5xaxq6dpq8nzd1ws.cn-hangzhou.personal.cr.aliyuncs.com", "cn-hangzhou"),
    ("crpi-5xaxq6dpq8nzd1ws-vpc.cn-hangzhou.personal.cr.aliyuncs.com", "cn-hangzhou"),
]
ENTERPRISE = [
    ("foobar-registry.cn-beijing.cr.aliyuncs.com", "foobar", "cn-beijing"),
    ("foobar-registry-vpc.cn-beijing.cr.aliyuncs.com", "foobar", "cn-beijing"),
    ("my-registry-registry-vpc.us-west-1.cr.aliyuncs.com", "my-registry", "us-west-1"),
    ("a-b-registry.distributed.cn-beijing.cr.aliyuncs.com", "a-b", "cn-beijing"),
]
OTHERS = [
    # Buckets of OSS: anybody can create one with such a name.
    "registry.oss-cn-hangzhou.aliyuncs.com",
    "registry-vpc.oss-cn-hangzhou-internal.aliyuncs.com",
    "acme-registry.oss-cn-hangzhou.cr.aliyuncs.com",
    "registry.oss-accelerate.aliyuncs.com",
    "registry.cn-hangzhou.log.aliyuncs.com",
    "acme-registry.cn-hangzhou.aliyuncs.com",
    "acme-registry.cn-hangzhou.cr.aliyuncs.com.example.com",
    "acme-registry.cn-hangzhou.cr.aliyuncs.example",
    "registry.cn-hangzhou.cr.aliyuncs.com",
    "-registry.cn-hangzhou.cr.aliyuncs.com",
    "acme.cn-hangzhou.cr.aliyuncs.com",
    "acme.cn-hangzhou.personal.cr.aliyuncs.com",
    "registry.cn-hangzhou.aliyuncs.com.example.com",
    "registry.aliyuncs.com",
    "registry.cn-.aliyuncs.com",
    "registry.cn-hangzhou.aliyuncs.com.cn",
    "cr.cn-hangzhou.aliyuncs.com",
    "registryvpc.cn-hangzhou.aliyuncs.com",
    "crpi-x.oss-cn-hangzhou.personal.cr.aliyuncs.com",
    "aliyuncs.com",
    "",
]


@pytest.mark.parametrize("host, region", PERSONAL)
def test_a_personal_registry_says_its_region(host: str, region: str) -> None:
    found = registry_of(host)
    assert found is not None
    assert (found.instance, found.region) == ("", region)
    assert found.is_exclusive == host.startswith("crpi-")


@pytest.mark.parametrize("host, name, region", ENTERPRISE)
def test_an_enterprise_instance_says_its_name(
    host: str, name: str, region: str
) -> None:
    found = registry_of(host)
    assert found is not None
    assert (found.instance, found.region) == (name, region)
    assert not found.is_exclusive


@pytest.mark.parametrize("host", OTHERS)
def test_another_host_of_alibaba_s_is_nobody_s(host: str) -> None:
    assert registry_of(host) is None
