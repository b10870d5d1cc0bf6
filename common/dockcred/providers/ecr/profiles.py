"""What botocore knows of a profile: its sources, their files, and its errors."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager

from botocore import exceptions as theirs
from botocore.parsers import ResponseParserError

from dockcred.errors import (
    DockcredError,
    IssueError,
    MissingExtraError,
    RefusedError,
    TransportError,
)
from dockcred.identity.cache import token_in
from dockcred.providers.ecr import direct, problems
from dockcred.providers.ecr.session import no_profile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any, NoReturn

    from dockcred.system.environment import Environment

_KEYS = frozenset({"aws_access_key_id", "aws_secret_access_key"})
_SSO = frozenset({"sso_role_name", "sso_account_id"})
_CREDENTIAL_SOURCES = {
    "Ec2InstanceMetadata": direct.INSTANCE_PROFILE,
    "Environment": direct.ENV_KEYS,
    "EcsContainer": direct.CONTAINER,
}


class Chain:
    """The sources of one profile and their files; the last source is asked first.

    It repeats botocore's own order without sending a request.
    """

    def __init__(
        self,
        profile: str,
        config: Mapping[str, Any],
        environment: Environment,
        *,
        is_named: bool = False,
        has_stored_keys: Callable[[str], bool] = lambda _: True,
    ) -> None:
        """Follow the profile through source_profile to the source of its keys.

        `config` is what botocore parsed from all files. `is_named` tells that the
        profile is configured for the registry; then it wins over the variables.
        `has_stored_keys` tells whether a profile's keys are in the credentials file,
        which botocore reads before the config file.
        """
        self.sources: tuple[str, ...] = ()
        self.files: tuple[str, ...] = ()
        self.tokens: tuple[str, ...] = ()
        self.roles: tuple[str, ...] = ()
        self.mfa_serial = ""
        self._profiles: Mapping[str, Any] = config.get("profiles", {})
        self._environment = environment
        self._has_stored_keys = has_stored_keys
        if not is_named and direct.has_key_id(environment):
            self._add(direct.source_of(environment))
        else:
            self._follow(profile, set(), by_variables=not is_named)

    def _follow(self, name: str, seen: set[str], *, by_variables: bool = False) -> None:
        """Add the sources of a profile; a source_profile adds only its own source."""
        settings = self._profiles.get(name, {})
        is_first = not seen
        assumes = "role_arn" in settings and "web_identity_token_file" not in settings
        has_keys = not _KEYS.isdisjoint(settings)
        if assumes and name not in seen and (is_first or not has_keys):
            self._assume(settings, {*seen, name})
            return
        variable = "AWS_WEB_IDENTITY_TOKEN_FILE" if by_variables else ""
        token = variable and self._environment.get(variable)
        if token := token or settings.get("web_identity_token_file"):
            self._add(direct.WEB_IDENTITY)
            self.tokens += (token,)
            self.roles += (
                self._environment.get("AWS_ROLE_ARN") or settings.get("role_arn", ""),
            )
        elif not _SSO.isdisjoint(settings):
            self._log_in_by_sso(settings)
        elif "aws_access_key_id" in settings and self._has_stored_keys(name):
            self._add("aws:shared-credentials")
        elif "login_session" in settings:
            self._log_in(settings["login_session"])
        elif "credential_process" in settings:
            self._add("aws:process")
        elif "aws_access_key_id" in settings:
            self._add("aws:shared-credentials")
        elif is_first:
            self._add(direct.machine_source(self._environment))

    def _log_in_by_sso(self, settings: Mapping[str, Any]) -> None:
        self._add("aws:sso")
        key = settings.get("sso_session") or settings.get("sso_start_url", "")
        name = hashlib.sha1(key.encode(), usedforsecurity=False).hexdigest()
        self.files += (f"{self._environment.home()}/.aws/sso/cache/{name}.json",)

    def _log_in(self, session: str) -> None:
        self._add("aws:login")
        variable, below_home = "AWS_LOGIN_CACHE_DIRECTORY", ".aws/login/cache"
        directory = self._environment.path(variable, below_home)
        name = hashlib.sha256(session.strip().encode()).hexdigest()
        self.files += (f"{directory}/{name}.json",)

    def _assume(self, settings: Mapping[str, Any], seen: set[str]) -> None:
        self.roles += (settings["role_arn"],)
        if serial := settings.get("mfa_serial"):
            self.mfa_serial = serial
            self._add("aws:assume-role-mfa")
            self.files += (f"{self._environment.home()}/.aws/cli/cache",)
        else:
            self._add("aws:assume-role")
        if "source_profile" in settings:
            self._follow(settings["source_profile"], seen)
        elif named := settings.get("credential_source"):
            self._add(_CREDENTIAL_SOURCES.get(named, f"aws:{named}"))

    def _add(self, source: str) -> None:
        self.sources += (source,)


# botocore has had `aws login` since 1.41; Debian 12 has 1.29.
_LOGIN_BY_CLI = (theirs.LoginError,) if hasattr(theirs, "LoginError") else ()
_LOGIN = (
    theirs.SSOError,
    theirs.UnauthorizedSSOTokenError,
    theirs.TokenRetrievalError,
    theirs.NoAuthTokenError,
)
_UNREACHED = (theirs.ConnectionError, theirs.HTTPClientError)
_STUMBLES = (
    ResponseParserError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    RuntimeError,  # the keys in variables have expired
    OSError,
)
"""What botocore raises for a setting or an answer of an unexpected form."""
_CONFIG = (
    theirs.InvalidConfigError,
    theirs.InvalidRetryConfigurationError,
    theirs.ConfigParseError,
    theirs.ConfigNotFound,
    theirs.PartialCredentialsError,
    theirs.UnknownCredentialError,
    theirs.InfiniteLoopConfigError,
)
READING, RESOLVING, ASKING = "reading", "resolving", "asking"
"""The steps of botocore: reading the configuration, resolving the keys, asking ECR."""


class _PromptError(Exception):
    """Somebody would have to type an MFA code."""


def refuse_to_prompt(_: str) -> NoReturn:
    """Raise _PromptError where botocore asks for an MFA code: there is no terminal."""
    raise _PromptError


class Translation:
    """The state that is needed to explain a failure of botocore.

    doing        the current step: READING, RESOLVING or ASKING
    service      ecr or ecr-public
    is_chosen    whether the source was chosen by settings, and is not the last resort
    """

    def __init__(self, profile: str, service: str) -> None:
        self.doing = READING
        self.mfa_serial = ""
        self.roles: tuple[str, ...] = ()
        self.tokens: tuple[str, ...] = ()
        self.is_chosen = False
        self._profile = profile
        self._option = f" --profile {profile}" if profile else ""
        self._service = service

    @contextmanager
    def of(self, doing: str) -> Iterator[None]:
        """Turn what botocore raises in the block into an error with a remedy."""
        self.doing = doing
        try:
            yield
        except (theirs.BotoCoreError, theirs.ClientError, *_STUMBLES) as error:
            raise self._meaning(error) from None
        except _PromptError:
            raise RefusedError(
                f"the role needs an MFA code of {self.mfa_serial or 'a device'}",
                f"run: aws sts get-caller-identity{self._option} "
                "(its session is then used)",
            ) from None

    def _meaning(self, error: Exception) -> DockcredError:
        if isinstance(error, theirs.ClientError):
            operation = error.operation_name
            return problems.of_answer(
                error.response, operation, self._service, self._trust(operation)
            )
        if isinstance(error, theirs.ProfileNotFound):
            return no_profile(self._profile)
        if isinstance(error, (*_LOGIN_BY_CLI, *_LOGIN)):
            return self._login(error)
        if isinstance(error, theirs.MissingDependencyException):
            return MissingExtraError(
                "this AWS login needs the AWS common runtime, which is not installed",
                "run: pip install 'dockcred[aws]'",
            )
        if isinstance(error, theirs.CredentialRetrievalError):
            return problems.no_keys(str(error.kwargs.get("provider", "its source")))
        if isinstance(
            error, (theirs.NoCredentialsError, theirs.MetadataRetrievalError)
        ):
            return (
                problems.no_keys("Ec2InstanceMetadata")
                if self.is_chosen
                else problems.missing()
            )
        if isinstance(error, _CONFIG) or (
            self.doing == READING and isinstance(error, _STUMBLES)
        ):
            return IssueError(
                f"the AWS configuration is not usable ({type(error).__name__})",
                f"see the profile {self._profile or 'default'}: "
                f"aws configure list{self._option}",
            )
        return self._transport(error)

    def _trust(self, operation: str) -> problems.Trust:
        """Return role and token of a refused operation; role "" if it is not clear."""
        by_token = operation == "AssumeRoleWithWebIdentity"
        roles = self.roles[-1:] if by_token else self.roles
        token = token_in(self.tokens[-1]) if by_token and self.tokens else b""
        return problems.Trust(roles[0] if len(roles) == 1 else "", token)

    def _login(self, error: Exception) -> IssueError:
        if isinstance(error, _LOGIN_BY_CLI):
            return RefusedError(
                "the AWS login has expired or was never made",
                f"run: aws login{self._option}",
            )
        return RefusedError(
            "the AWS SSO login has expired or was never made",
            f"run: aws sso login{self._option}",
        )

    def _transport(self, error: Exception) -> IssueError:
        kind = type(error).__name__
        if isinstance(error, OSError) and error.filename:
            return IssueError(
                f"the file {error.filename} cannot be read ({kind})",
                f"see who names it: the profile {self._profile or 'default'}, "
                "or a variable",
            )
        if isinstance(error, theirs.SSLError):
            return TransportError(
                "AWS's certificate is refused",
                "set AWS_CA_BUNDLE to the root that signs it, if you trust it",
            )
        if isinstance(error, theirs.ProxyConnectionError):
            return TransportError(
                "the proxy refused the connection to AWS",
                "see HTTPS_PROXY and NO_PROXY",
            )
        if isinstance(error, _UNREACHED):
            unreached = TransportError(
                f"AWS was not reached ({kind})",
                "see the network, the region of the host and HTTPS_PROXY",
            )
            return problems.unnamed(unreached, str(error))
        if isinstance(error, _STUMBLES) and self.doing == RESOLVING:
            return IssueError(
                f"the source of the AWS keys answered no usable keys ({kind})",
                f"see what it answers: aws sts get-caller-identity{self._option}",
            )
        if isinstance(error, _STUMBLES):
            return TransportError(
                f"an AWS service did not answer as AWS does ({kind})",
                "see what listens there: a proxy, a captive portal or another "
                "service; DOCKCRED_LOG=debug, and AWS_ENDPOINT_URL where it is set",
            )
        return IssueError(
            f"botocore failed ({kind})",
            f"see: aws sts get-caller-identity{self._option}",
        )
