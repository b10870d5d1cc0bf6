"""Which hosts are Alibaba Cloud Container Registry's, and what they tell of it."""

from __future__ import annotations

_AREAS = frozenset({"af", "ap", "cn", "eu", "me", "na", "rus", "sa", "us"})
"""How the names of regions begin. Other labels are refused, since customers own hosts
below some of them: a bucket of OSS may be `registry.oss-cn-hangzhou.aliyuncs.com`."""
_NAME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
_REGISTRY = "registry"
_NETWORKS = ("-internal", "-vpc", "-intl")
"""The endings that may follow `registry`, the last one first."""
_OLD = ["aliyuncs", "com"]
_ENTERPRISE = ["cr", *_OLD]
_PERSONAL = ["personal", *_ENTERPRISE]
_NEW = "crpi-"


class AlibabaRegistry:
    """What a host tells of its registry: the region, and the instance.

    `instance` is the name of an enterprise instance, "" for a personal one.
    `is_exclusive` tells whether a personal instance has its own host.
    """

    __slots__ = ("instance", "is_exclusive", "region")

    def __init__(
        self, region: str, instance: str = "", *, is_exclusive: bool = False
    ) -> None:
        self.region = region
        self.instance = instance
        self.is_exclusive = is_exclusive


def registry_of(host: str) -> AlibabaRegistry | None:
    """Parse a canonical host (lower-case, no trailing dot); None if it is not ACR's."""
    first, *rest = host.split(".")
    if rest[:1] == ["distributed"]:
        del rest[0]
    region, *domain = rest or [""]
    if not _is_region(region):
        return None
    if domain == _PERSONAL:
        mine = first.startswith(_NEW) and _NAME.issuperset(first)
        return AlibabaRegistry(region, is_exclusive=True) if mine else None
    for network in _NETWORKS:
        first = first.removesuffix(network)
    if domain == _OLD:
        return AlibabaRegistry(region) if first == _REGISTRY else None
    name, dash, kind = first.rpartition("-")
    if domain != _ENTERPRISE or not dash or kind != _REGISTRY:
        return None
    is_name = _NAME.issuperset(name) and name[:1].isalnum()
    return AlibabaRegistry(region, name) if is_name else None


def _is_region(text: str) -> bool:
    area, dash, rest = text.partition("-")
    return area in _AREAS and bool(dash and rest) and _NAME.issuperset(rest)
