"""The identity: keys in variables, a pod's token, a profile, the machine, or a URI.

This is the order of alibabacloud-credentials. Unlike there, it is an error if a source
is configured and fails. To try the next source could use a different identity.
"""

from __future__ import annotations

from dockcred.errors import InvalidInputError, IssueError, MissingIdentityError
from dockcred.identity.provider import Identity
from dockcred.providers.alibaba import profiles
from dockcred.system import log
from dockcred.transport import idle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.credential import Credential
    from dockcred.providers.alibaba.api import AlibabaKeys
    from dockcred.providers.alibaba.hosts import AlibabaRegistry
    from dockcred.providers.alibaba.profiles import Profile
    from dockcred.system.environment import Environment

ENV_KEYS = "alibaba:env-keys"
OIDC = "alibaba:oidc"
ECS_ROLE = "alibaba:ecs-role"
URI = "alibaba:uri"
_ID, _SECRET = "ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"
_TOKEN_FILE = "ALIBABA_CLOUD_OIDC_TOKEN_FILE"  # noqa: S105 - a variable's name
_OIDC = (_TOKEN_FILE, "ALIBABA_CLOUD_ROLE_ARN", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN")


def choose(registry: AlibabaRegistry, environment: Environment) -> Identity:
    """Return the identity that is configured; no request is sent yet.

    Raises IssueError where the variables hold half an identity, or name a profile that
    no file has. Raises InvalidInputError where only the SDK can be used, and
    DOCKCRED_ROAD forbids it.
    """
    get = environment.get
    if bool(get(_ID)) != bool(get(_SECRET)):
        given, missing = (_ID, _SECRET) if get(_ID) else (_SECRET, _ID)
        raise IssueError(f"{given} is set and {missing} is not", "set both, or neither")
    if get(_ID):
        return AlibabaIdentity(registry, environment, ENV_KEYS)
    if all(map(get, _OIDC)):
        return AlibabaIdentity(registry, environment, OIDC, token=get(_TOKEN_FILE))
    profile = profiles.chosen(environment)
    if profile is None:
        return AlibabaIdentity(registry, environment, ECS_ROLE)
    if profile.kind == profiles.MACHINE:
        if get("ALIBABA_CLOUD_ECS_METADATA_DISABLED").lower() == "true":
            raise IssueError(
                f"the Alibaba Cloud profile {profile.name} means the machine's role, "
                "and ALIBABA_CLOUD_ECS_METADATA_DISABLED is set",
                "unset it, or choose another profile: ALIBABA_CLOUD_PROFILE",
            )
        return AlibabaIdentity(registry, environment, ECS_ROLE, profile)
    if get("DOCKCRED_ROAD") == "direct":
        raise InvalidInputError(
            "a profile of Alibaba Cloud's needs the SDK, and DOCKCRED_ROAD is direct",
            "unset DOCKCRED_ROAD",
        )
    source = "alibaba:profile"
    if profile.kind == profiles.OTHERS:
        source = "alibaba:profile-of-another"
    token = profile.token_file
    return AlibabaIdentity(registry, environment, source, profile, token=token)


class AlibabaIdentity(Identity):
    """One source of keys, which are exchanged for the registry's password."""

    def __init__(
        self,
        registry: AlibabaRegistry,
        environment: Environment,
        source: str,
        profile: Profile | None = None,
        *,
        token: str = "",
    ) -> None:
        """Set what is watched; `token` is the path of an identity token's file."""
        self._registry = registry
        self._environment = environment
        self._profile = profile
        self.sources = (source,)
        self.looked_for = ()
        self.tokens = (token,) if token else ()

    def issue(self) -> Credential:
        """Get the keys, and exchange them for the registry's password."""
        if self.sources != (ENV_KEYS,):
            # This work is done while the source of the keys is being waited for.
            idle.defer(
                lambda: idle.load("ssl"),
                lambda: idle.load("dockcred.providers.alibaba.api"),
            )
        keys = self._keys()
        self.principal = keys.principal
        from dockcred.providers.alibaba import api  # noqa: PLC0415 - see above

        return api.authorization_token(self._registry, keys, self._environment)

    def current_principal(self) -> str:
        """Return the name of the machine's role; "" for other sources."""
        if self.sources != (ECS_ROLE,):
            return ""
        return self._machine_keys().principal

    def ask_principal(self) -> str:
        """Return the ARN of the keys, as STS knows it."""
        from dockcred.providers.alibaba import api  # noqa: PLC0415 - for `status`

        return api.caller(self._keys(), self._environment)

    def _keys(self) -> AlibabaKeys:
        source, environment = self.sources[0], self._environment
        if source == ENV_KEYS:
            from dockcred.providers.alibaba.api import AlibabaKeys  # noqa: PLC0415 - as above

            get = environment.get
            return AlibabaKeys(
                get(_ID), get(_SECRET), get("ALIBABA_CLOUD_SECURITY_TOKEN")
            )
        if source == ECS_ROLE:
            return self._machine_keys()
        from dockcred.providers.alibaba import machine  # noqa: PLC0415 - not for env keys

        if source == OIDC:
            role, provider = map(environment.get, _OIDC[1:])
            token = environment.token_in(_TOKEN_FILE)
            return machine.assume_role_with_oidc(environment, token, role, provider)
        if self._profile is None:
            return machine.keys_of_uri(environment)
        from dockcred.providers.alibaba import sdk  # noqa: PLC0415 - for profiles only

        return sdk.keys(self._profile, environment)

    def _machine_keys(self) -> AlibabaKeys:
        from dockcred.providers.alibaba import machine  # noqa: PLC0415 - not for env keys

        role = self._profile.role if self._profile else ""
        try:
            return machine.EcsRole(self._environment, role).keys()
        except MissingIdentityError as error:
            if self._profile:
                # The profile is configured: to go on anonymously would hide that it
                # fails.
                raise IssueError(error.cause, error.remedy) from None
            if not self._environment.get("ALIBABA_CLOUD_CREDENTIALS_URI"):
                raise
            log.info(f"the machine's role is passed over: {error.cause}")
            self.sources = (URI,)
            return self._keys()
