"""What botocore knows of a profile: its sources and their files, and why it fails."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager

from botocore import exceptions as theirs
from botocore.parsers import ResponseParserError

from dockcred.errors import (
    IssueError,
    MissingExtraError,
    MissingIdentityError,
    TransportError,
)
from dockcred.providers.ecr import direct
from dockcred.providers.ecr.problems import meaning

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, NoReturn

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
    """Return the one profile that leads to an account, by what it says of itself.

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
        """Read the profile, through source_profile to where its keys come from."""
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


# `aws login` came with botocore 1.41; Debian 12 has 1.29.
_LOGIN_BY_CLI = (theirs.LoginError,) if hasattr(theirs, "LoginError") else ()
_LOGIN = (
    theirs.SSOError,
    theirs.UnauthorizedSSOTokenError,
    theirs.TokenRetrievalError,
    theirs.NoAuthTokenError,
)
_UNREACHED = (
    theirs.ConnectionError,
    theirs.HTTPClientError,
)
_NO_ANSWER_OF_AWS = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    RecursionError,
)
"""What botocore stumbles over in an answer without the fields that it expects."""
_CONFIG = (
    theirs.InvalidConfigError,
    theirs.ConfigParseError,
    theirs.ConfigNotFound,
    theirs.PartialCredentialsError,
    theirs.UnknownCredentialError,
)


class _PromptError(Exception):
    """An MFA code would have to be typed."""


def refuse_to_prompt(_: str) -> NoReturn:
    """Raise IssueError where botocore asks for an MFA code: there is no terminal."""
    raise _PromptError


def missing() -> MissingIdentityError:
    """Return the error for a botocore that found no credentials."""
    return MissingIdentityError(
        "no AWS identity was found in variables, profiles, container or metadata",
        "configure one (aws configure, aws sso login) or set AWS_PROFILE",
    )


@contextmanager
def translated(profile: str, mfa_serial: str = "") -> Iterator[None]:
    """Raise IssueError, with the exact command, for what botocore raises.

    Its texts are not repeated: a credential_process may have written a secret.
    """
    option = f" --profile {profile}" if profile else ""
    try:
        yield
    except _PromptError:
        raise IssueError(
            f"the role needs an MFA code of {mfa_serial or 'a device'}",
            f"run: aws sts get-caller-identity{option} (its session is then used)",
        ) from None
    except theirs.ProfileNotFound:
        raise IssueError(
            f"the AWS profile {profile} does not exist",
            "see AWS_PROFILE and the config file",
        ) from None
    except _LOGIN_BY_CLI:
        raise IssueError(
            "the AWS login has expired or was never made", f"run: aws login{option}"
        ) from None
    except _LOGIN:
        raise IssueError(
            "the AWS SSO login has expired or was never made",
            f"run: aws sso login{option}",
        ) from None
    except theirs.CredentialRetrievalError as error:
        provider = str(error.kwargs.get("provider", "its source"))
        raise IssueError(
            f"AWS keys were not had from {provider}", "run its command to see why"
        ) from None
    except theirs.MissingDependencyException:
        raise MissingExtraError(
            "this AWS login needs the AWS common runtime, which is not installed",
            "run: pip install 'dockcred[aws]'",
        ) from None
    except (theirs.NoCredentialsError, theirs.MetadataRetrievalError):
        raise missing() from None
    except _CONFIG as error:
        raise IssueError(
            f"the AWS configuration is not usable ({type(error).__name__})",
            f"see the profile {profile or 'default'}: aws configure list{option}",
        ) from None
    except theirs.ClientError as error:
        found = error.response.get("Error", {})
        operation = f"the operation {error.operation_name}"
        if error.operation_name == "GetAuthorizationToken":
            operation = "ecr:GetAuthorizationToken"
        raise meaning(
            str(found.get("Code", "")), str(found.get("Message", "")), operation
        ) from None
    except theirs.SSLError:
        raise TransportError(
            "AWS's certificate is refused",
            "set AWS_CA_BUNDLE to the root that signs it, if you trust it",
        ) from None
    except theirs.ProxyConnectionError:
        raise TransportError(
            "the proxy refused the connection to AWS", "see HTTPS_PROXY and NO_PROXY"
        ) from None
    except _UNREACHED as error:
        raise TransportError(
            f"AWS was not reached ({type(error).__name__})",
            "see the network, the region of the host and HTTPS_PROXY",
        ) from None
    except (ResponseParserError, *_NO_ANSWER_OF_AWS) as error:
        raise TransportError(
            f"an AWS service did not answer as AWS does ({type(error).__name__})",
            "see what listens there: a proxy, a captive portal or another service; "
            "DOCKCRED_LOG=debug, and AWS_ENDPOINT_URL where it is set",
        ) from None
    except theirs.BotoCoreError as error:
        raise IssueError(
            f"botocore failed ({type(error).__name__})",
            f"see: aws sts get-caller-identity{option}",
        ) from None
