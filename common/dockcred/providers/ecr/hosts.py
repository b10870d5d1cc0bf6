"""Which hosts are ECR's, what each says of its registry, and what ~/.aws says."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.system.environment import Environment

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


class EcrRegistry:
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
        """Read the partition from its suffix."""
        self.account = account
        self.region = region
        self.dns_suffix, self.dual_stack_suffix = _PARTITIONS[suffix]
        self.fips = fips
        self.dual_stack = dual_stack

    @property
    def is_public(self) -> bool:
        """Return whether it is the public gallery, and not an account's registry."""
        return not self.account


def registry_of(host: str) -> EcrRegistry | None:
    """Read a canonical host (lower-case, no trailing dot); None if it is not ECR's."""
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


_HARMLESS = frozenset({"region", "output"})
_HARMLESS_STARTS = ("cli_", "s3", "retry_", "max_attempts", "tcp_keepalive")
_IDENTITY = frozenset(
    {
        "aws_access_key_id",
        "aws_secret_access_key",
        "aws_session_token",
        "aws_account_id",
        "role_arn",
        "role_session_name",
        "source_profile",
        "credential_source",
        "external_id",
        "mfa_serial",
        "duration_seconds",
        "web_identity_token_file",
        "credential_process",
        "login_session",
    }
)


def files(environment: Environment) -> tuple[str, str]:
    """Return the config and the credentials file."""
    return (
        environment.path("AWS_CONFIG_FILE", ".aws/config"),
        environment.path("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials"),
    )


def profile(environment: Environment) -> str:
    """Return the name of the profile that is asked for, nothing for the default."""
    return environment.first("AWS_PROFILE", "AWS_DEFAULT_PROFILE")


class ProfileSettings:
    """What the selected profile sets: an identity, other things, or nothing."""

    __slots__ = ("identity", "other")

    def __init__(self, environment: Environment) -> None:
        """Read both files; one that cannot be read is the SDK's to complain of."""
        wanted = profile(environment)
        config, credentials = files(environment)
        name = wanted or "default"
        sections = (
            {f"profile {name}", "default"} if name == "default" else {f"profile {name}"}
        )
        found = [_settings(config, sections), _settings(credentials, {name})]
        names = set().union(*(names for names in found if names is not None))
        names = {name for name in names if not _is_harmless(name)}
        identity = {name for name in names if _is_identity(name)}
        self.identity = bool(identity)
        # A profile that is asked for and is not there is the SDK's to complain of.
        self.other = bool(names - identity) or (bool(wanted) and found == [None, None])


def _is_harmless(name: str) -> bool:
    return name in _HARMLESS or name.startswith(_HARMLESS_STARTS)


def _is_identity(name: str) -> bool:
    return name in _IDENTITY or name.startswith("sso_")


def _settings(path: str, sections: set[str]) -> set[str] | None:
    """Return the names set in these sections; None where none of them is there."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.read().split("\n")
    except FileNotFoundError:
        return None
    except OSError:
        return {"unreadable"}
    names: set[str] | None = None
    inside = False
    for line in lines:
        if not line.strip() or line.lstrip().startswith(("#", ";")):
            continue
        if line.startswith("["):
            header = line[1:].partition("]")[0].replace('"', "").replace("'", "")
            inside = " ".join(header.split()) in sections
            names = set() if inside and names is None else names
        elif inside and names is not None and not line[0].isspace():
            names.add(line.partition("=")[0].strip().lower())
    return names
