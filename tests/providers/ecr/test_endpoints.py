"""The API's endpoint of each registry, compared with the installed botocore."""

from __future__ import annotations

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import EndpointVariantError
from support.hosts import ACCEPTED

from dockcred.providers.ecr import endpoints
from dockcred.providers.ecr.hosts import registry_of
from dockcred.system.environment import Environment

REGIONS = (
    "eu-west-1",
    "us-east-1",
    "us-gov-west-1",
    "cn-north-1",
    "eusc-de-east-1",
    "us-iso-east-1",
    "us-isob-east-1",
    "eu-isoe-west-1",
    "us-isof-south-1",
)
# For these regions botocore's rules have dual-stack endpoints, its table has none.
NOT_YET = {"eu-isoe-west-1", "us-isof-south-1"}
KINDS = {
    "plain": (False, False),
    "fips": (True, False),
    "dual-stack": (False, True),
    "fips and dual-stack": (True, True),
}


@pytest.fixture(scope="module")
def botocore_session(tmp_path_factory):
    session = botocore.session.Session()
    nowhere = str(tmp_path_factory.mktemp("aws") / "none")
    for variable in ("config_file", "credentials_file"):
        session.set_config_variable(variable, nowhere)
    session.set_credentials("AKIA", "secret")
    return session


class _TakenError(Exception):
    """Ends the request before it is sent."""


def _asked_by_botocore(session, service, operation, region, *, fips, dual_stack) -> str:
    """Let botocore build a request; return its URL instead of sending it.

    Return "" if botocore says that there is no such endpoint.
    """
    sent = []

    def take(request, **_):
        sent.append(request.url)
        raise _TakenError

    try:
        client = session.create_client(
            service,
            region_name=region,
            config=Config(
                use_fips_endpoint=fips,
                use_dualstack_endpoint=dual_stack,
                retries={"total_max_attempts": 1},
            ),
        )
    except EndpointVariantError:
        return ""
    client.meta.events.register(f"before-send.{service}", take)
    with pytest.raises(_TakenError):
        getattr(client, operation)()
    return sent[0].rstrip("/")


def _host(region: str, *, fips: bool, dual_stack: bool) -> str:
    """Return a registry's host of this kind, from the plain host of its partition."""
    (plain,) = [
        host
        for host, (of, _) in ACCEPTED.items()
        if of == region and ".dkr.ecr." in host
    ] or [f"123456789012.dkr.ecr.{region}.amazonaws.com"]
    host = plain.replace(".ecr.", ".ecr-fips.") if fips else plain
    if not dual_stack:
        return host
    for suffix, on in (
        ("amazonaws.com.cn", "on.amazonwebservices.com.cn"),
        ("amazonaws.com", "on.aws"),
        ("amazonaws.eu", "on.amazonwebservices.eu"),
    ):
        if host.endswith(suffix):
            return host.removesuffix(suffix).replace(".dkr.", ".dkr-") + on
    return ""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("region", REGIONS)
def test_ecr_is_asked_where_botocore_asks(region, kind, botocore_session):
    """Both the host's kind and the variables select plain, FIPS or dual-stack."""
    fips, dual_stack = KINDS[kind]
    theirs = _asked_by_botocore(
        botocore_session,
        "ecr",
        "get_authorization_token",
        region,
        fips=fips,
        dual_stack=dual_stack,
    )
    assert bool(theirs) == (not dual_stack or region not in NOT_YET)
    if not theirs:
        return
    if host := _host(region, fips=fips, dual_stack=dual_stack):
        assert endpoints.ecr(registry_of(host), Environment({})) == theirs
    variables = Environment(
        {
            "AWS_USE_FIPS_ENDPOINT": str(fips).lower(),
            "AWS_USE_DUALSTACK_ENDPOINT": str(dual_stack).lower(),
        }
    )
    plain = registry_of(_host(region, fips=False, dual_stack=False))
    assert endpoints.ecr(plain, variables) == theirs


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("region", REGIONS)
def test_sts_is_asked_where_botocore_asks(region, kind, botocore_session):
    fips, dual_stack = KINDS[kind]
    theirs = _asked_by_botocore(
        botocore_session,
        "sts",
        "get_caller_identity",
        region,
        fips=fips,
        dual_stack=dual_stack,
    )
    assert bool(theirs) == (not dual_stack or region not in NOT_YET)
    if not theirs:
        return
    variables = Environment(
        {
            "AWS_USE_FIPS_ENDPOINT": str(fips).lower(),
            "AWS_USE_DUALSTACK_ENDPOINT": str(dual_stack).lower(),
        }
    )
    plain = registry_of(_host(region, fips=False, dual_stack=False))
    assert endpoints.sts(plain, variables) == theirs


@pytest.mark.parametrize("dual_stack", [False, True])
def test_the_public_gallery_is_asked_in_us_east_1(dual_stack, botocore_session):
    theirs = _asked_by_botocore(
        botocore_session,
        "ecr-public",
        "get_authorization_token",
        "us-east-1",
        fips=False,
        dual_stack=dual_stack,
    )
    host = "ecr-public.aws.com" if dual_stack else "public.ecr.aws"
    assert endpoints.ecr(registry_of(host), Environment({})) == theirs


@pytest.mark.parametrize("host", ACCEPTED)
def test_both_roads_ask_the_endpoint_of_the_host_s_kind(host, ecr, cloud):
    """Over TLS with real names: FIPS for a FIPS host, dual-stack for dual-stack."""
    region, endpoint = ACCEPTED[host]
    for road in ("direct", "sdk"):
        cloud.reset()
        extra = {"DOCKCRED_ROAD": road, "DOCKCRED_CACHE": "off"}
        password = ecr.get(cloud.environment() | extra, host).password
        (request,) = cloud.requests
        assert request.host == endpoint, road
        assert cloud.minted(password).region == region
