"""The direct road: identities that our own requests can use, without an SDK."""

from __future__ import annotations

from dockcred.errors import IssueError, MissingIdentityError
from dockcred.identity.provider import Identity
from dockcred.providers.ecr.endpoints import Keys, is_true
from dockcred.transport import idle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.credential import Credential
    from dockcred.providers.ecr.hosts import EcrRegistry
    from dockcred.system.environment import Environment

ENV_KEYS = "aws:env-keys"
WEB_IDENTITY = "aws:web-identity"
CONTAINER = "aws:container"
POD_IDENTITY = "aws:pod-identity"
INSTANCE_PROFILE = "aws:instance-profile"
IDS = ("AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY")
"""The variables for an access key id; the first one that is set counts."""


def env_keys(environment: Environment) -> Keys | None:
    """Return the keys in the variables, or None where id or secret is missing.

    Each of them has two names, since Amazon's ecr-login reads both.
    """
    access_key_id = environment.first(*IDS)
    secret = environment.first("AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY")
    if not access_key_id or not secret:
        return None
    token = environment.first("AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")
    return Keys(access_key_id, secret, token)


def has_key_id(environment: Environment) -> bool:
    """Return whether the variables hold a key id; then no other source is asked."""
    return bool(environment.first(*IDS))


def source_of(environment: Environment) -> str:
    """Return the name of the source that the variables choose, in the SDK's order.

    Raises IssueError where only half of an identity is set. Trying the next source
    would silently use a different identity.
    """
    get = environment.get
    if has_key_id(environment):
        if env_keys(environment):
            return ENV_KEYS
        raise _half("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    if get("AWS_WEB_IDENTITY_TOKEN_FILE"):
        return WEB_IDENTITY
    return machine_source(environment)


def machine_source(environment: Environment) -> str:
    """Return the name of the source that is used where nothing else is configured."""
    get = environment.get
    if get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"):
        return CONTAINER
    if get("AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        token_file = get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
        return POD_IDENTITY if token_file else CONTAINER
    return INSTANCE_PROFILE


def _half(given: str, missing: str) -> IssueError:
    return IssueError(f"{given} is set and {missing} is not", "set both, or neither")


class DirectIdentity(Identity):
    """One source of AWS keys, used through our own requests."""

    def __init__(
        self, registry: EcrRegistry, environment: Environment, source: str
    ) -> None:
        """Set the source and the files to watch; no request is sent yet."""
        self._registry = registry
        self._environment = environment
        self._source = source
        self.sources = (source,)
        self.looked_for = ()
        variable = {
            WEB_IDENTITY: "AWS_WEB_IDENTITY_TOKEN_FILE",
            POD_IDENTITY: "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        }.get(source, "")
        self.tokens = (environment.get(variable),) if variable else ()

    def issue(self) -> Credential:
        """Get the keys, and exchange them for ECR's password."""
        if self._source != ENV_KEYS:
            # This work is done while the source of the keys is being waited for. It
            # takes 40 million instructions.
            idle.defer(
                lambda: idle.load("ssl"),
                lambda: idle.load("dockcred.providers.ecr.api"),
                self._preconnect,
                lambda: idle.load("datetime"),
            )
        keys = self._keys()
        self.principal = keys.principal
        from dockcred.providers.ecr import api  # noqa: PLC0415 - see above

        return api.authorization_token(self._registry, keys, self._environment)

    def _preconnect(self) -> None:
        from dockcred.providers.ecr import api  # noqa: PLC0415 - see `issue`

        api.preconnect(self._registry, self._environment)

    def current_principal(self) -> str:
        """Return a machine's role, by name or ARN; "" for the other sources."""
        from dockcred.providers.ecr import machine  # noqa: PLC0415

        if self._source == INSTANCE_PROFILE:
            return machine.InstanceProfile(self._environment).role()
        if self._source in {CONTAINER, POD_IDENTITY}:
            return machine.container_keys(self._environment).principal
        return ""

    def ask_principal(self) -> str:
        """Return the ARN of the keys, as STS knows it."""
        from dockcred.providers.ecr import api  # noqa: PLC0415 - for `status`

        return api.caller(self._registry, self._keys(), self._environment)

    def _keys(self) -> Keys:
        environment = self._environment
        if self._source == ENV_KEYS and (keys := env_keys(environment)):
            return keys
        if self._source == WEB_IDENTITY:
            variable = "AWS_WEB_IDENTITY_TOKEN_FILE"
            if not environment.get("AWS_ROLE_ARN"):
                raise _half(variable, "AWS_ROLE_ARN")
            token = environment.token_in(variable)
            from dockcred.providers.ecr import api  # noqa: PLC0415 - this source only

            return api.assume_role_with_web_identity(self._registry, token, environment)
        from dockcred.providers.ecr import machine  # noqa: PLC0415 - a machine only

        if self._source in {CONTAINER, POD_IDENTITY}:
            return machine.container_keys(environment)
        if is_true(environment, "AWS_EC2_METADATA_DISABLED"):
            raise MissingIdentityError(
                "no AWS identity was found: neither keys, profile, web identity nor "
                "container, and AWS_EC2_METADATA_DISABLED is set",
                "configure one (aws configure, aws sso login) or set AWS_PROFILE",
            )
        return machine.InstanceProfile(environment).keys()
