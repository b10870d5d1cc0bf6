"""The direct road: whether ~/.aws allows it, and the machine's own identities on it."""

from __future__ import annotations

from dockcred.errors import MissingIdentityError
from dockcred.identity.provider import Identity
from dockcred.providers.ecr.endpoints import Keys
from dockcred.providers.ecr.hosts import files, profile
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


def env_keys(environment: Environment) -> Keys | None:
    """Return the keys in the variables; ecr-login knows two names for each half."""
    access_key_id = environment.first("AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY")
    secret = environment.first("AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY")
    if not access_key_id or not secret:
        return None
    token = environment.first("AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")
    return Keys(access_key_id, secret, token)


def source_of(environment: Environment) -> str:
    """Return the name of the source that the variables choose, in the SDK's order."""
    get = environment.get
    if env_keys(environment):
        return ENV_KEYS
    if get("AWS_WEB_IDENTITY_TOKEN_FILE") and get("AWS_ROLE_ARN"):
        return WEB_IDENTITY
    if get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"):
        return CONTAINER
    if get("AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        token_file = get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
        return POD_IDENTITY if token_file else CONTAINER
    return INSTANCE_PROFILE


class DirectIdentity(Identity):
    """One source of AWS keys, asked by our own requests."""

    def __init__(
        self, registry: EcrRegistry, environment: Environment, source: str
    ) -> None:
        """Set what is watched; nothing is asked yet."""
        self._registry = registry
        self._environment = environment
        self._source = source
        self.sources = (source,)
        variable = {
            WEB_IDENTITY: "AWS_WEB_IDENTITY_TOKEN_FILE",
            POD_IDENTITY: "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        }.get(source, "")
        self.tokens = (environment.get(variable),) if variable else ()

    def issue(self) -> Credential:
        """Get the keys, and ECR's password for them."""
        if self._source != ENV_KEYS:
            # While somebody else is asked for the keys: 40 M instructions.
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
        """Return the machine's role."""
        from dockcred.providers.ecr import machine  # noqa: PLC0415

        if self._source == INSTANCE_PROFILE:
            return machine.InstanceProfile(self._environment).role()
        if self._source in {CONTAINER, POD_IDENTITY}:
            return machine.container_keys(self._environment).principal
        return ""

    def _keys(self) -> Keys:
        environment = self._environment
        if self._source == ENV_KEYS and (keys := env_keys(environment)):
            return keys
        from dockcred.providers.ecr import machine  # noqa: PLC0415 - not for env keys

        if self._source == WEB_IDENTITY:
            variable = "AWS_WEB_IDENTITY_TOKEN_FILE"
            token = machine.read_token(environment.get(variable), variable)
            from dockcred.providers.ecr import api  # noqa: PLC0415 - this source only

            return api.assume_role_with_web_identity(self._registry, token, environment)
        if self._source in {CONTAINER, POD_IDENTITY}:
            return machine.container_keys(environment)
        if environment.is_on("AWS_EC2_METADATA_DISABLED"):
            raise MissingIdentityError(
                "no AWS identity was found: neither keys, profile, web identity nor "
                "container, and AWS_EC2_METADATA_DISABLED is set",
                "configure one (aws configure, aws sso login) or set AWS_PROFILE",
            )
        return machine.InstanceProfile(environment).keys()


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
