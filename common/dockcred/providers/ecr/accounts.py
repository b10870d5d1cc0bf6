"""Which account the configuration leads to, and which registry is that account's own.

Nobody is asked. A hit needs none of it.
"""

from __future__ import annotations

from contextlib import suppress

from dockcred.errors import IssueError
from dockcred.providers.ecr import direct, endpoints, hosts
from dockcred.providers.ecr.endpoints import ProfileSettings
from dockcred.providers.ecr.hosts import AUTO, PUBLIC, EcrRegistry, registry_of
from dockcred.system import cloud

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from dockcred.system.environment import Environment

_ARN_ACCOUNT = 4
_ANYBODY = "0" * 12
_DOMAIN = "amazonaws.com"
_GOV = "us-gov-"
# The registry's domain is the partition's, told by the region's first letters.
_DOMAINS = {
    "cn-": "amazonaws.com.cn",
    "eusc-": "amazonaws.eu",
    "us-iso-": "c2s.ic.gov",
    "us-isob-": "sc2s.sgov.gov",
    "us-isof-": "csp.hci.ic.gov",
    "eu-isoe-": "cloud.adc-e.uk",
}


def own_servers(environment: Environment) -> tuple[str, ...]:
    """Return the registry of the identity's account and region, where both are said.

    Then the public gallery, which takes the same identity outside of AWS's other
    partitions. No account is known of keys and machines, nor where a file is not wholly
    understood, which is the SDK's.
    """
    named = environment.get("DOCKCRED_AWS_PROFILE")
    if named == AUTO:
        return ()
    profile = ProfileSettings(environment, named)
    account = _account(environment, profile, is_named=bool(named))
    region = _region(environment, profile)
    host = host_of(account, region)
    own = (host,) if registry_of(host) else ()
    commercial = _domain(region) == _DOMAIN and not region.startswith(_GOV)
    if commercial and (own or _is_configured(environment, profile)):
        own = (*own, PUBLIC)
    return own


def own_registry(environment: Environment) -> OwnRegistry | None:
    """Return the registry of whoever asks, if the region is said and the account not.

    None where nobody is configured: not every machine is AWS's.
    """
    named = environment.get("DOCKCRED_AWS_PROFILE")
    if named == AUTO:
        return None
    profile = ProfileSettings(environment, named)
    region = _region(environment, profile)
    known = _account(environment, profile, is_named=bool(named))
    if registry_of(host_of(known, region)) or not registry_of(
        host_of(_ANYBODY, region)
    ):
        return None
    if not _is_configured(environment, profile):
        return None
    return OwnRegistry("", region, _domain(region), fips=False, dual_stack=False)


class OwnRegistry(EcrRegistry):
    """The registry of whoever asks; its account is set by AWS's answer."""

    __slots__ = ()

    @property
    def is_public(self) -> bool:
        """Return False: without an account it is the caller's, not the gallery."""
        return False

    @property
    def host(self) -> str:
        """Return its host, once the account is known."""
        return host_of(self.account, self.region)


def _is_configured(environment: Environment, profile: ProfileSettings) -> bool:
    """Return whether anything says that AWS may be asked here."""
    if profile.identity or profile.other or environment.get("DOCKCRED_AWS_ROLE_ARN"):
        return True
    if direct.source_of(environment) != direct.INSTANCE_PROFILE:
        return True
    named = environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT")
    return bool(named) or cloud.Hardware().cloud == cloud.AWS


def _region(environment: Environment, profile: ProfileSettings) -> str:
    said = environment.first("AWS_REGION", "AWS_DEFAULT_REGION")
    return said or profile.settings.get("region", "")


def _domain(region: str) -> str:
    domains = (name for start, name in _DOMAINS.items() if region.startswith(start))
    return next(domains, _DOMAIN)


def host_of(account: str, region: str) -> str:
    """Return the host of an account's registry in a region."""
    return f"{account}.dkr.ecr.{region}.{_domain(region)}"


def _account(
    environment: Environment, profile: ProfileSettings, *, is_named: bool
) -> str:
    get = environment.get
    if role := get("DOCKCRED_AWS_ROLE_ARN"):
        return account_of({"role_arn": role})
    if not is_named and direct.has_key_id(environment):
        return get("AWS_ACCOUNT_ID")
    if profile.identity:
        return account_of(profile.settings)
    if is_named or not get("AWS_WEB_IDENTITY_TOKEN_FILE"):
        return ""
    return account_of({"role_arn": get("AWS_ROLE_ARN")})


def about(
    registry_account: str, principal: str, environment: Environment
) -> dict[str, str]:
    """Return who the configuration leads to, as far as it says; nobody is asked.

    `principal` is an ARN, or the name of a machine's role.
    """
    named = environment.get("DOCKCRED_AWS_PROFILE")
    has_keys = not named and direct.has_key_id(environment)
    profile = ProfileSettings(environment, "" if named == AUTO else named)
    said = {} if has_keys else profile.settings
    role = environment.get("DOCKCRED_AWS_ROLE_ARN") or said.get("role_arn", "")
    if not role and not profile.identity and not has_keys:
        role = environment.get("AWS_ROLE_ARN")
    is_arn = principal.startswith("arn:")
    arn = principal if is_arn else role
    account = account_of({"role_arn": arn}) or _account(
        environment, profile, is_named=bool(named)
    )
    if named == AUTO:
        account = registry_account
    key = environment.ends(*direct.IDS)
    found = {
        "account": account,
        "arn": arn,
        "profile": "" if has_keys else (named or hosts.profile(environment)),
        "role": said.get("sso_role_name", "") or ("" if is_arn else principal),
        "key": key if has_keys else "",
    }
    return {name: value for name, value in found.items() if value}


def account_of(settings: Mapping[str, object]) -> str:
    """Return the account that a profile ends in: its role's, else its login's.

    In the order in which botocore asks. Of indented lines below a name botocore makes
    a block, which is nobody's account.
    """
    names = ("role_arn", "sso_account_id", "login_session", "aws_account_id")
    for name in names:
        value = settings.get(name, "")
        said = value if isinstance(value, str) else ""
        if not name.endswith("_id"):
            said = next(iter(said.split(":")[_ARN_ACCOUNT:]), "")
        if said:
            return said
    return ""


def own_profiles(
    account: str, principal: str, environment: Environment
) -> tuple[str, ...]:
    """Return the profiles that lead to an account, where another identity is asked.

    None where the identity that is asked is that account's, as far as it says, nor
    where a role is named, which whatever profile would assume. Nobody is asked.
    """
    named = environment.get("DOCKCRED_AWS_PROFILE")
    if environment.get("DOCKCRED_AWS_ROLE_ARN"):
        return ()
    found = tuple(profiles_by_account(environment).get(account, ()))
    if named == AUTO:
        return found if len(found) > 1 else ()
    has_keys = not named and direct.has_key_id(environment)
    asked = named or hosts.profile(environment) or "default"
    if not has_keys and asked in found:
        return ()
    who = about(account, principal, environment)
    return () if who.get("account") == account else found


def profiles_by_account(environment: Environment) -> dict[str, list[str]]:
    """Return which profiles lead to which account, by what each says of itself.

    Nobody is asked, and no variable but those that name the files counts. Profiles
    that do not say where they lead are left out.
    """
    found: dict[str, list[str]] = {}
    for name, said in profiles(environment).items():
        if account := account_of(said):
            found.setdefault(account, []).append(name)
    return found


def profiles(environment: Environment) -> dict[str, dict[str, Any]]:
    """Return all profiles of both files; by botocore where we cannot read them."""
    config, credentials = map(endpoints.sections, hosts.files(environment))
    if config is None or credentials is None:
        return _by_botocore(environment)
    found: dict[str, dict[str, Any]] = {}
    for header, settings in config.items():
        kind, _, name = header.rpartition(" ")
        if kind == "profile" or header == "default":
            if name in found:
                return _by_botocore(environment)
            found[name] = dict(settings)
    for name, settings in credentials.items():
        found.setdefault(name, {}).update(settings)
    return found


def _by_botocore(environment: Environment) -> dict[str, dict[str, Any]]:
    """Return what botocore reads; nothing without it, or where a file breaks it."""
    try:
        from botocore import configloader, exceptions  # noqa: PLC0415 - an extra's
    except ImportError:
        return {}
    broken = exceptions.ConfigNotFound, exceptions.ConfigParseError
    config, credentials = hosts.files(environment)
    found: dict[str, dict[str, Any]] = {}
    with suppress(*broken):
        found = dict(configloader.load_config(config)["profiles"])
    with suppress(*broken):
        for name, settings in configloader.raw_config_parse(credentials).items():
            found.setdefault(name, {}).update(settings)
    return found


def profile_of_account(account: str, known: Mapping[str, Any]) -> str:
    """Return the one profile that leads to an account, by what it says of itself.

    Raises IssueError where none does, or where several do.
    """
    found = [name for name, said in known.items() if account_of(said) == account]
    if len(found) == 1:
        return found[0]
    which = (
        f"several AWS profiles lead ({', '.join(found)})"
        if found
        else ("no AWS profile leads")
    )
    raise IssueError(
        f"{which} to the account {account}",
        "name the profile for this registry in config.toml",
    )
