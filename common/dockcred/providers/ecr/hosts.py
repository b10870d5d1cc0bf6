"""Which hosts are ECR's, what a host tells of its registry, and where ~/.aws is."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.system.environment import Environment

_ACCOUNT_DIGITS = 12
_REGION = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")

# The suffix of a registry's host, with the suffixes of its partition's API: the plain
# one, and the one for dual-stack.
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
PUBLIC = "public.ecr.aws"
_PUBLIC = {PUBLIC: False, "ecr-public.aws.com": True}
PUBLIC_REGION = "us-east-1"
AUTO = "auto"
"""A value of DOCKCRED_AWS_PROFILE: take the profile that leads to the registry's
account."""


class EcrRegistry:
    """What an ECR host tells: account, region, partition, and kind of endpoint.

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
        """Set the fields; the host's suffix tells the partition."""
        self.account = account
        self.region = region
        self.dns_suffix, self.dual_stack_suffix = _PARTITIONS[suffix]
        self.fips = fips
        self.dual_stack = dual_stack

    @property
    def is_public(self) -> bool:
        """Return whether this is the public gallery, not an account's registry."""
        return not self.account


def registry_of(host: str) -> EcrRegistry | None:
    """Parse a canonical host (lower-case, no trailing dot); None if it is not ECR's."""
    if host in _PUBLIC:
        return EcrRegistry(
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
    return EcrRegistry(account, region, suffix, fips=fips, dual_stack=dual_stack)


def _is_account(text: str) -> bool:
    return len(text) == _ACCOUNT_DIGITS and text.isascii() and text.isdigit()


def _is_region(text: str) -> bool:
    return _REGION.issuperset(text) and text[:1].isalnum()


def files(environment: Environment) -> tuple[str, str]:
    """Return the paths of the config file and of the credentials file."""
    return (
        environment.path("AWS_CONFIG_FILE", ".aws/config"),
        environment.path("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials"),
    )


def profile(environment: Environment) -> str:
    """Return the name of the selected profile; "" for the default one."""
    return environment.first("AWS_PROFILE", "AWS_DEFAULT_PROFILE")
