"""Which hosts are Amazon ECR's, and what each says of its registry.

Private registries are ACCOUNT.dkr.ecr[-fips].REGION.SUFFIX, or with dkr-ecr for the
dual-stack names; the suffix tells the partition (docs.aws.amazon.com/AmazonECR,
"Amazon ECR endpoints"). Hosts are compared label by label, from end to end.
"""

from __future__ import annotations

_ACCOUNT_DIGITS = 12
_REGION = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")

# Registry suffix: the partition's API suffix, and its dual-stack API suffix.
_PARTITIONS = {
    "amazonaws.com": ("amazonaws.com", "api.aws"),
    "amazonaws.com.cn": ("amazonaws.com.cn", "api.amazonwebservices.com.cn"),
    "amazonaws.eu": ("amazonaws.eu", "api.amazonwebservices.eu"),
    "c2s.ic.gov": ("c2s.ic.gov", "api.aws.ic.gov"),
    "sc2s.sgov.gov": ("sc2s.sgov.gov", "api.aws.scloud"),
    "cloud.adc-e.uk": ("cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    "csp.hci.ic.gov": ("csp.hci.ic.gov", "api.aws.hci.ic.gov"),
}
_DUAL_STACK = {
    "on.aws": "amazonaws.com",
    "on.amazonwebservices.com.cn": "amazonaws.com.cn",
    "on.amazonwebservices.eu": "amazonaws.eu",
}
_PUBLIC = {"public.ecr.aws": False, "ecr-public.aws.com": True}
PUBLIC_REGION = "us-east-1"


class Registry:
    """What an ECR host says: whose registry, where, and by which kind of endpoint.

    `account` is empty for the public registry.
    """

    __slots__ = (
        "account",
        "dns_suffix",
        "dual_stack",
        "dual_stack_suffix",
        "fips",
        "region",
    )

    def __init__(
        self, account: str, region: str, suffix: str, *, fips: bool, dual_stack: bool
    ) -> None:
        """Look the partition up by its suffix."""
        self.account = account
        self.region = region
        self.dns_suffix, self.dual_stack_suffix = _PARTITIONS[suffix]
        self.fips = fips
        self.dual_stack = dual_stack

    @property
    def is_public(self) -> bool:
        """Tell the public gallery from the registries of accounts."""
        return not self.account


def registry_of(host: str) -> Registry | None:
    """Read a canonical host (lower-case, no trailing dot); None if it is not ECR's."""
    if host in _PUBLIC:
        return Registry(
            "", PUBLIC_REGION, "amazonaws.com", fips=False, dual_stack=_PUBLIC[host]
        )
    account, _, rest = host.partition(".")
    if not rest.startswith(("dkr.", "dkr-")):
        return None
    service, _, rest = rest[4:].partition(".")
    region, _, suffix = rest.partition(".")
    dual_stack = suffix in _DUAL_STACK
    suffix = _DUAL_STACK.get(suffix, suffix)
    if (
        service not in {"ecr", "ecr-fips"}
        or suffix not in _PARTITIONS
        or not _is_account(account)
        or not _is_region(region)
    ):
        return None
    fips = service == "ecr-fips"
    return Registry(account, region, suffix, fips=fips, dual_stack=dual_stack)


def _is_account(text: str) -> bool:
    return len(text) == _ACCOUNT_DIGITS and text.isascii() and text.isdigit()


def _is_region(text: str) -> bool:
    return _REGION.issuperset(text) and text[:1].isalnum()
