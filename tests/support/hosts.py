"""ECR's host names, and names that only look like them."""

from __future__ import annotations

import re

ACCOUNT = "123456789012"

# host: (region, API endpoint). The endpoint is the host in the URL of a request by
# botocore 1.44.5, which is not always that of its client's meta.endpoint_url.
ACCEPTED = {
    f"{ACCOUNT}.dkr.{service}.{region}.{suffix}": (region, endpoint)
    for service, region, suffix, endpoint in (
        ("ecr", "eu-west-1", "amazonaws.com", "api.ecr.eu-west-1.amazonaws.com"),
        ("ecr-fips", "us-east-1", "amazonaws.com", "api.ecr-fips.us-east-1.amazonaws.com"),
        ("ecr", "us-gov-west-1", "amazonaws.com", "api.ecr.us-gov-west-1.amazonaws.com"),
        ("ecr-fips", "us-gov-west-1", "amazonaws.com", "api.ecr-fips.us-gov-west-1.amazonaws.com"),
        ("ecr", "cn-north-1", "amazonaws.com.cn", "api.ecr.cn-north-1.amazonaws.com.cn"),
        ("ecr", "eusc-de-east-1", "amazonaws.eu", "api.ecr.eusc-de-east-1.amazonaws.eu"),
        ("ecr", "us-iso-east-1", "c2s.ic.gov", "api.ecr.us-iso-east-1.c2s.ic.gov"),
        ("ecr-fips", "us-iso-east-1", "c2s.ic.gov", "api.ecr-fips.us-iso-east-1.c2s.ic.gov"),
        ("ecr", "us-isob-east-1", "sc2s.sgov.gov", "api.ecr.us-isob-east-1.sc2s.sgov.gov"),
        ("ecr", "eu-isoe-west-1", "cloud.adc-e.uk", "api.ecr.eu-isoe-west-1.cloud.adc-e.uk"),
        ("ecr", "us-isof-south-1", "csp.hci.ic.gov", "api.ecr.us-isof-south-1.csp.hci.ic.gov"),
    )
} | {
    f"{ACCOUNT}.dkr-{service}.{region}.{suffix}": (region, endpoint)
    for service, region, suffix, endpoint in (
        ("ecr", "eu-west-1", "on.aws", "ecr.eu-west-1.api.aws"),
        ("ecr-fips", "us-east-1", "on.aws", "ecr-fips.us-east-1.api.aws"),
        ("ecr", "us-gov-west-1", "on.aws", "ecr.us-gov-west-1.api.aws"),
        ("ecr-fips", "us-gov-west-1", "on.aws", "ecr-fips.us-gov-west-1.api.aws"),
        (
            "ecr",
            "cn-north-1",
            "on.amazonwebservices.com.cn",
            "ecr.cn-north-1.api.amazonwebservices.com.cn",
        ),
        (
            "ecr",
            "eusc-de-east-1",
            "on.amazonwebservices.eu",
            "ecr.eusc-de-east-1.api.amazonwebservices.eu",
        ),
    )
} | {
    "public.ecr.aws": ("us-east-1", "api.ecr-public.us-east-1.amazonaws.com"),
    "ecr-public.aws.com": ("us-east-1", "ecr-public.us-east-1.api.aws"),
}  # fmt: skip

_ECR = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com"

LOOK_ALIKES = (
    # Something is added before or after the name.
    f"{_ECR}.evil.example",
    f"{_ECR}.com",
    f"{_ECR}.amazonaws.com.evil.example",
    f"{_ECR}evil.example",
    f"{_ECR}-evil.example",
    f"{_ECR}.cn.evil.example.cn",
    f"evil.{_ECR}",
    f"evil-{_ECR}",
    f"evil.example.{_ECR}",
    f"{ACCOUNT}.evil.dkr.ecr.eu-west-1.amazonaws.com",
    "public.ecr.aws.evil.example",
    "evil.public.ecr.aws",
    "evil-public.ecr.aws",
    "public.ecr.aws.com",
    "public-ecr.aws",
    "public.ecr.awsevil.example",
    "publicxecr.aws",
    "ecr-public.aws.com.evil.example",
    "evil.ecr-public.aws.com",
    "ecr-public.aws",
    # The suffix is almost that of a partition.
    f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.co",
    f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com.co",
    f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.cn",
    f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.eu.com",
    f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws",
    f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonawsxcom",
    f"{ACCOUNT}.dkr.ecr.eu-west-1.evilamazonaws.com",
    f"{ACCOUNT}.dkr.ecr.eu-west-1.evil-amazonaws.com",
    f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws-evil.com",
    f"{ACCOUNT}.dkr.ecr.eu-west-1.aws",
    f"{ACCOUNT}.dkr-ecr.eu-west-1.on.aws.com.cn",
    f"{ACCOUNT}.dkr-ecr.eu-west-1.off.aws",
    f"{ACCOUNT}.dkr-ecr.eu-west-1.on.awsx",
    f"{ACCOUNT}.dkr-ecr.eu-west-1.on.evil.aws",
    f"{ACCOUNT}.dkr-ecr.eu-west-1.on.amazonwebservices.com",
    f"{ACCOUNT}.dkr.ecr.us-iso-east-1.ic.gov",
    f"{ACCOUNT}.dkr.ecr.us-iso-east-1.xc2s.ic.gov",
    f"{ACCOUNT}.dkr.ecr.eu-isoe-west-1.adc-e.uk",
    # The middle is almost ECR's.
    f"{ACCOUNT}.dkr.ecr.not-real.region.amazonaws.com",
    f"{ACCOUNT}.dkr.ecr..amazonaws.com",
    f"{ACCOUNT}.dkr.ecr.amazonaws.com",
    f"{ACCOUNT}.dkr.ecr.-west.amazonaws.com",
    f"{ACCOUNT}.dkrxecr.eu-west-1.amazonaws.com",
    f"{ACCOUNT}.dkr.ecrx.eu-west-1.amazonaws.com",
    f"{ACCOUNT}.dkr.ecr-fipsx.eu-west-1.amazonaws.com",
    f"{ACCOUNT}.dkr.ecr-evil.eu-west-1.amazonaws.com",
    f"{ACCOUNT}.dkr_ecr.eu-west-1.amazonaws.com",
    f"{ACCOUNT}.dkr.s3.eu-west-1.amazonaws.com",
    f"{ACCOUNT}.ecr.eu-west-1.amazonaws.com",
    f"{ACCOUNT}.ecr.dkr.eu-west-1.amazonaws.com",
    "api.ecr.eu-west-1.amazonaws.com",
    "dkr.ecr.eu-west-1.amazonaws.com",
    # The account is not twelve digits.
    "12345678901.dkr.ecr.eu-west-1.amazonaws.com",
    "1234567890123.dkr.ecr.eu-west-1.amazonaws.com",
    "12345678901a.dkr.ecr.eu-west-1.amazonaws.com",
    "x123456789012.dkr.ecr.eu-west-1.amazonaws.com",
    ".dkr.ecr.eu-west-1.amazonaws.com",
    # ECR's name is not in the host, but elsewhere in the URL.
    f"evil.example/{_ECR}",
    f"https://evil.example/{_ECR}/v2/",
    f"https://evil.example:443/{_ECR}",
    f"{_ECR}.evil.example:443",
    f"{_ECR}_.evil.example",
    # Other people's registries.
    "ghcr.io",
    "gcr.io",
    "index.docker.io",
    "myregistry.azurecr.io",
    "s3.amazonaws.com",
    "localhost:5000",
)

_PRIVATE = (
    r"[0-9]{12}\.dkr[.-]ecr(-fips)?\.[a-z0-9][a-z0-9-]*\.("
    r"amazonaws\.(com|com\.cn|eu)|on\.(aws|amazonwebservices\.(com\.cn|eu))"
    r"|c2s\.ic\.gov|sc2s\.sgov\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)"
)


def is_ecr(host: str) -> bool:
    """Return whether a canonical host is ECR's, not in the way of the program."""
    public = host in {"public.ecr.aws", "ecr-public.aws.com"}
    return public or re.fullmatch(_PRIVATE, host, re.ASCII) is not None
