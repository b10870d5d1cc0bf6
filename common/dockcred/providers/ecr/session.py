"""What we change in botocore's session: its retries, its endpoints, and its caches."""

from __future__ import annotations

import os

import botocore.configloader
import botocore.session
from botocore.exceptions import BotoCoreError, ConfigNotFound
from botocore.utils import JSONFileCache

from dockcred.errors import InvalidInputError, IssueError, TransportError
from dockcred.identity.misspelt import slip
from dockcred.providers.ecr import direct, endpoints
from dockcred.system import log
from dockcred.transport.http import ATTEMPTS
from dockcred.transport.target import Target

TYPE_CHECKING = False
if TYPE_CHECKING:
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
"""botocore's names for the methods that resolve each of our sources."""


def is_said(session: Any, environment: Environment, setting: str) -> bool:
    """Return whether a variable or the profile sets a setting of botocore's."""
    variable = f"AWS_{setting.upper()}"
    return bool(environment.get(variable)) or setting in session.get_scoped_config()


def retries(session: Any, environment: Environment) -> dict[str, Any]:
    """Return botocore's retry options, without those that variables or profile set.

    The default is the standard mode, with as many attempts as our own requests have.
    """
    ours: dict[str, Any] = {}
    if not is_said(session, environment, "retry_mode"):
        ours["mode"] = "standard"
    if not is_said(session, environment, "max_attempts"):
        ours["total_max_attempts"] = ATTEMPTS
    return ours


def check_retries(session: Any) -> None:
    """Raise InvalidInputError where botocore's clients refuse the settings of retries.

    botocore itself refuses them only once the keys are resolved, or found missing.
    """
    mode = session.get_config_variable("retry_mode")
    if mode not in (None, *endpoints.RETRY_MODES):
        raise InvalidInputError(
            "AWS has no such retry_mode",
            "have legacy, standard or adaptive in AWS_RETRY_MODE, or in the profile",
        )
    try:
        count = session.get_config_variable("max_attempts")
        is_count = count is None or count >= 1
    except (TypeError, ValueError):
        is_count = False
    if not is_count:
        raise InvalidInputError(
            "max_attempts is no whole number above zero",
            "see AWS_MAX_ATTEMPTS, and max_attempts in the profile",
        )


def names_metadata(session: Any, environment: Environment) -> bool:
    """Return whether variables or profile configure the instance metadata service."""
    names = (
        "ec2_metadata_service_endpoint",
        "ec2_metadata_service_endpoint_mode",
        "imds_use_ipv6",
    )
    patience = ("metadata_service_timeout", "metadata_service_num_attempts")
    return (
        endpoints.is_true(environment, "AWS_EC2_METADATA_DISABLED")
        or any(session.get_config_variable(name) for name in names)
        or any(session.get_config_variable(name) != 1 for name in patience)
    )


def refuse_in_clear(request: Any, **_: object) -> None:
    """Raise InvalidInputError for a request by plain http to another machine."""
    Target(request.url)


class Metadata:
    """botocore's provider of an instance's role, asked only where one may exist.

    A profile with `credential_source = Ec2InstanceMetadata` uses botocore's own
    provider.
    """

    METHOD = "iam-role"

    def __init__(self, theirs: Any, environment: Environment) -> None:
        self.CANONICAL_NAME = theirs.CANONICAL_NAME
        self._theirs = theirs
        self._environment = environment

    def load(self) -> Any:
        """Return the role's keys; None if the metadata service does not answer."""
        from dockcred.system.cloud import AWS  # noqa: PLC0415 - the last source only
        from dockcred.transport import metadata  # noqa: PLC0415 - as above

        try:
            metadata.check(AWS, self._environment)
        except TransportError as error:
            log.info(f"the instance's role is passed over: {error.cause}")
            return None
        return self._theirs.load()


class CliRoles(JSONFileCache):  # type: ignore[misc]
    """The AWS CLI's cache of assumed roles; we read it and never write to it.

    It holds the sessions for which a person has typed an MFA code.
    """

    def __init__(self, directory: str) -> None:
        """Keep the directory's name; unlike botocore, create no directory."""
        self._directory = directory
        super().__init__(directory) if os.path.isdir(directory) else None

    def __contains__(self, key: str) -> bool:
        """Return whether the AWS CLI has cached a session with this key."""
        return os.path.isdir(self._directory) and super().__contains__(key)

    def __setitem__(self, key: str, value: object) -> None:
        """Do nothing: only the AWS CLI writes its files."""


def has_stored_keys(session: Any, profile: str) -> bool:
    """Return whether a profile's keys are in the credentials file."""
    path = session.get_config_variable("credentials_file")
    try:
        stored = botocore.configloader.raw_config_parse(path)
    except ConfigNotFound:
        return False
    return "aws_access_key_id" in stored.get(profile, {})


def no_profile(name: str) -> IssueError:
    """Return the error for a profile that no file has, with a similar name if any."""
    try:
        names = botocore.session.Session().full_config["profiles"]
    except (BotoCoreError, LookupError):
        names = ()
    return IssueError(
        f"the AWS profile {name} does not exist",
        slip(name, names)
        or "see the config file, and who names it: AWS_PROFILE, DOCKCRED_AWS_PROFILE or"
        " config.toml",
    )
