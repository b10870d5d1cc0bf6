"""Which account the configuration leads to, and which registry belongs to that account.

All of it is read from variables and files: no request is sent. An answer from the cache
needs nothing of this module.
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
# The partition decides the registry's domain. The first letters of the region tell the
# partition.
_DOMAINS = {
    "cn-": "amazonaws.com.cn",
    "eusc-": "amazonaws.eu",
    "us-iso-": "c2s.ic.gov",
    "us-isob-": "sc2s.sgov.gov",
    "us-isof-": "csp.hci.ic.gov",
    "eu-isoe-": "cloud.adc-e.uk",
}


def own_servers(environment: Environment) -> tuple[str, ...]:
    """Return the registry of the configured account and region, if both are known.

    The public gallery follows, for regions of the commercial partition: the same
    identity may ask for its password.

    The account of keys in variables and of machines is not known without a request. Nor
    is that of files which our parser does not wholly understand: the SDK reads those.
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
    """Return the caller's registry, if the region is configured and the account is not.

    None where no identity is configured, since not every machine is in AWS.
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
    """The registry of the caller's own account; AWS's answer sets the account."""

    __slots__ = ()

    @property
    def is_public(self) -> bool:
        """Return False: here an empty account means the caller's, not the gallery."""
        return False

    @property
    def host(self) -> str:
        """Return the host, which is right only once the account is set."""
        return host_of(self.account, self.region)


def _is_configured(environment: Environment, profile: ProfileSettings) -> bool:
    """Return whether an identity is configured, or the machine is in AWS."""
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
    """Return what the configuration tells of the identity, by name; sends no request.

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
    """Return the account that a profile leads to: that of its role, else of its login.

    The settings are read in botocore's order. A value that is no string is skipped:
    botocore makes a dictionary of indented lines below a setting.
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

    Empty where the identity that is asked already belongs to the account, as far as the
    configuration tells. Also empty where a role is configured, since each profile would
    assume that role. Sends no request.
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
    """Return the names of the profiles for each account, by the profiles' own settings.

    Sends no request. Of the variables only those that name the two files count.
    Profiles that do not tell their account are left out.
    """
    found: dict[str, list[str]] = {}
    for name, said in profiles(environment).items():
        if account := account_of(said):
            found.setdefault(account, []).append(name)
    return found


def profiles(environment: Environment) -> dict[str, dict[str, Any]]:
    """Return the settings of each profile of both files.

    Botocore reads the files where our own parser does not understand them.
    """
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
    """Return the profiles as botocore reads them.

    Empty without botocore. A file that botocore cannot parse is skipped.
    """
    try:
        from botocore import configloader, exceptions  # noqa: PLC0415 - an extra
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
    """Return the one profile that leads to an account, by the profiles' own settings.

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
