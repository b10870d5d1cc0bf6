"""The names of ECR registries, and which of them a password opens."""

from __future__ import annotations

import re

from dockcred.testing.sandbox.service import Minted

PRIVATE = re.compile(
    r"(?P<account>\d{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.[a-z0-9.-]+"
)
PUBLIC = frozenset({"public.ecr.aws", "ecr-public.aws.com"})
# The registry's domain depends on the partition, shown by the region's first letters.
PARTITIONS = {
    "cn-": "amazonaws.com.cn",
    "eusc-": "amazonaws.eu",
    "us-iso-": "c2s.ic.gov",
    "us-isob-": "sc2s.sgov.gov",
    "us-isof-": "csp.hci.ic.gov",
    "eu-isoe-": "cloud.adc-e.uk",
}


def registry_host(account: str, region: str) -> str:
    """Return the host name of an account's registry."""
    suffix = next(
        (domain for start, domain in PARTITIONS.items() if region.startswith(start)),
        "amazonaws.com",
    )
    return f"{account}.dkr.ecr.{region}.{suffix}"


def covers(minted: Minted, host: str) -> bool:
    """Return whether a password was issued for the registry at this host."""
    name = host.lower().partition(":")[0]
    if minted.service == "ecr-public":
        return name in PUBLIC
    found = PRIVATE.fullmatch(name)
    asked = (found["account"], found["region"]) if found else None
    return asked == (minted.account, minted.region)
