"""Which account the configuration leads to, and which registry is that account's own.

Nobody is asked. A hit needs none of it.
"""

from __future__ import annotations

from dockcred.errors import IssueError
from dockcred.providers.ecr import direct
from dockcred.providers.ecr.endpoints import ProfileSettings
from dockcred.providers.ecr.hosts import AUTO, registry_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from dockcred.system.environment import Environment

_ARN_ACCOUNT = 4
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

    Nothing where only AWS could tell the account: keys and machines do not, and a file
    that is not wholly understood is the SDK's.
    """
    named = environment.get("DOCKCRED_AWS_PROFILE")
    if named == AUTO:
        return ()
    profile = ProfileSettings(environment, named)
    account = _account(environment, profile, is_named=bool(named))
    region = environment.first("AWS_REGION", "AWS_DEFAULT_REGION")
    region = region or profile.settings.get("region", "")
    domains = (name for start, name in _DOMAINS.items() if region.startswith(start))
    host = f"{account}.dkr.ecr.{region}.{next(domains, 'amazonaws.com')}"
    return (host,) if registry_of(host) else ()


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


def account_of(settings: Mapping[str, object]) -> str:
    """Return the account that a profile ends in: its role's, else its login's."""
    for name in ("role_arn", "login_session"):
        parts = str(settings.get(name, "")).split(":")
        if len(parts) > _ARN_ACCOUNT:
            return parts[_ARN_ACCOUNT]
    for name in ("sso_account_id", "aws_account_id"):
        if name in settings:
            return str(settings[name])
    return ""


def profile_of_account(account: str, profiles: Mapping[str, Any]) -> str:
    """Return the one profile that leads to an account, by what it says of itself.

    Raises IssueError where none does, or where several do.
    """
    found = [name for name, said in profiles.items() if account_of(said) == account]
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
