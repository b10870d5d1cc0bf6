"""Which sources stand behind a profile, and which files tell that they changed."""

from __future__ import annotations

import hashlib

from dockcred.errors import IssueError
from dockcred.providers.ecr import direct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from dockcred.system.environment import Environment

METHODS = {
    direct.ENV_KEYS: {"env"},
    "aws:shared-credentials": {"shared-credentials-file", "config-file"},
    "aws:assume-role": {"assume-role"},
    "aws:assume-role-mfa": {"assume-role"},
    direct.WEB_IDENTITY: {"assume-role-with-web-identity"},
    "aws:sso": {"sso"},
    "aws:login": {"login"},
    "aws:process": {"custom-process"},
    direct.CONTAINER: {"container-role"},
    direct.POD_IDENTITY: {"container-role"},
    direct.INSTANCE_PROFILE: {"iam-role"},
}
"""What botocore calls the method by which each source is resolved."""

_ARN_ACCOUNT = 4
_CREDENTIAL_SOURCES = {
    "Ec2InstanceMetadata": direct.INSTANCE_PROFILE,
    "Environment": direct.ENV_KEYS,
    "EcsContainer": direct.CONTAINER,
}


def of_account(account: str, profiles: Mapping[str, Any]) -> str:
    """Find the one profile that leads to an account, by what it says of itself.

    Raises IssueError where none does, or where several do.
    """
    found = [name for name, said in profiles.items() if account in _accounts(said)]
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


def _accounts(settings: Mapping[str, Any]) -> set[str]:
    """Return the account that a profile ends in: its role's, else its login's."""
    for name in ("role_arn", "login_session"):
        parts = str(settings.get(name, "")).split(":")
        if len(parts) > _ARN_ACCOUNT:
            return {parts[_ARN_ACCOUNT]}
    return {
        str(settings[name])
        for name in ("sso_account_id", "aws_account_id")
        if name in settings
    }


class Chain:
    """The sources of one profile, the last asked first, with what they read."""

    def __init__(
        self, profile: str, profiles: Mapping[str, Any], environment: Environment
    ) -> None:
        """Follow the profile through source_profile to where its keys come from."""
        self.sources: tuple[str, ...] = ()
        self.files: tuple[str, ...] = ()
        self.tokens: tuple[str, ...] = ()
        self.mfa_serial = ""
        self._profiles = profiles
        self._environment = environment
        self._follow(profile, set())

    def _follow(self, name: str, seen: set[str]) -> None:
        settings = self._profiles.get(name, {})
        home = self._environment.home()
        if (
            "role_arn" in settings
            and name not in seen
            and ("source_profile" in settings or "credential_source" in settings)
        ):
            self._assume(name, settings, seen | {name})
        elif "web_identity_token_file" in settings:
            self._add(direct.WEB_IDENTITY)
            self.tokens += (_expand(settings["web_identity_token_file"], home),)
        elif "sso_session" in settings or "sso_start_url" in settings:
            self._add("aws:sso")
            key = settings.get("sso_session") or settings.get("sso_start_url", "")
            name = hashlib.sha1(key.encode(), usedforsecurity=False).hexdigest()
            self.files += (f"{home}/.aws/sso/cache/{name}.json",)
        elif "aws_access_key_id" in settings:
            self._add("aws:shared-credentials")
        elif "login_session" in settings:
            self._add("aws:login")
            directory = self._environment.path(
                "AWS_LOGIN_CACHE_DIRECTORY", ".aws/login/cache"
            )
            name = hashlib.sha256(
                settings["login_session"].strip().encode()
            ).hexdigest()
            self.files += (f"{directory}/{name}.json",)
        elif "credential_process" in settings:
            self._add("aws:process")
        else:
            self._add(direct.source_of(self._environment))

    def _assume(self, name: str, settings: Mapping[str, Any], seen: set[str]) -> None:
        if serial := settings.get("mfa_serial"):
            self.mfa_serial = serial
            self._add("aws:assume-role-mfa")
            self.files += (f"{self._environment.home()}/.aws/cli/cache",)
        else:
            self._add("aws:assume-role")
        if source := settings.get("source_profile"):
            if source == name:
                self._add("aws:shared-credentials")
            else:
                self._follow(source, seen)
        else:
            named = settings["credential_source"]
            self._add(_CREDENTIAL_SOURCES.get(named, f"aws:{named}"))

    def _add(self, source: str) -> None:
        self.sources += (source,)


def _expand(path: str, home: str) -> str:
    return home + path[1:] if path.startswith("~/") else path
