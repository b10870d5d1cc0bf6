"""Amazon ECR: private registries of every partition, and the public gallery.

hosts            which hosts, what each says of its registry, and where ~/.aws is
endpoints        where AWS's APIs are, what signs a request, and what ~/.aws says
direct, machine  the machine's identities, without an SDK, where ~/.aws allows it
api              the requests to ECR and STS
sdk, profiles    every other identity, through botocore
session          what is ours in botocore's session
accounts         which account and registry the configuration leads to
problems         what AWS's error codes mean
"""

from __future__ import annotations

from dockcred.errors import CredentialsNotFoundError, InvalidInputError
from dockcred.identity.provider import LEASE_S, Provider, Source
from dockcred.providers.ecr import hosts
from dockcred.providers.ecr.hosts import registry_of
from dockcred.system.environment import aws

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.credential import ServerURL
    from dockcred.identity.provider import Identity
    from dockcred.providers.ecr.hosts import EcrRegistry
    from dockcred.system.environment import Environment


class ECR(Provider):
    """The provider of `docker-credential-ecr-login`."""

    name = "ecr"
    program = "docker-credential-ecr-login"
    names = aws
    tags = ("AWS_PROFILE", "AWS_ACCESS_KEY_ID")
    cache_parent = aws.CACHE_PARENT
    cache_off = aws.CACHE_OFF
    ignore_storage = "AWS_ECR_IGNORE_CREDS_STORAGE"
    metadata = ("AWS", "aws:instance-profile")
    # L-55A41110, and what AWS's page on troubleshooting says of it.
    quotas = ((500.0, 500), (20.0, 200))
    sources = (
        Source("aws:env-keys", direct=True),
        Source("aws:shared-credentials"),
        Source("aws:assume-role"),
        # The AWS CLI's role cache is watched.
        Source("aws:assume-role-mfa"),
        # Issuer and subject of the token are conditions.
        Source("aws:web-identity", direct=True),
        # The login's token file is watched.
        Source("aws:sso"),
        Source("aws:login"),
        # At most its own Expiration; a process cannot say who it is: minted anew.
        Source("aws:process", lease_s=LEASE_S),
        Source("aws:container", lease_s=LEASE_S, direct=True),
        Source("aws:pod-identity", lease_s=LEASE_S, direct=True),
        Source("aws:instance-profile", lease_s=LEASE_S, direct=True),
    )

    def matches(self, server: ServerURL) -> bool:
        """Return whether the whole host is ECR's; plain http carries no password."""
        return server.scheme != "http" and registry_of(server.host) is not None

    def serves_anonymous(self, server: ServerURL) -> bool:
        """Return whether this is the public gallery; private ECR has no anonymous."""
        registry = registry_of(server.host)
        return registry is not None and registry.is_public

    def config_files(self, environment: Environment) -> tuple[str, ...]:
        """Return the shared configuration."""
        return hosts.files(environment)

    def identity(self, server: ServerURL, environment: Environment) -> Identity:
        """Return the machine's identity by the direct road, any other by the SDK."""
        registry = registry_of(server.host)
        if registry is None:
            raise CredentialsNotFoundError
        return self._identity(registry, environment)

    def _identity(self, registry: EcrRegistry, environment: Environment) -> Identity:
        road = environment.get("DOCKCRED_ROAD")
        if not environment.first("DOCKCRED_AWS_PROFILE", "DOCKCRED_AWS_ROLE_ARN"):
            from dockcred.providers.ecr import direct, endpoints  # noqa: PLC0415 - a miss only

            source = direct.source_of(environment)
            profile = endpoints.ProfileSettings(environment)
            is_sdks = (
                profile.other
                or (profile.identity and source != direct.ENV_KEYS)
                or endpoints.has_wrong_retries(environment)
            )
            if road == "direct" or (road != "sdk" and not is_sdks):
                return direct.DirectIdentity(registry, environment, source)
        elif road == "direct":
            raise InvalidInputError(
                "a profile or role of AWS's needs the SDK, and DOCKCRED_ROAD is direct",
                "unset DOCKCRED_ROAD",
            )
        from dockcred.providers.ecr.sdk import SdkIdentity  # noqa: PLC0415

        return SdkIdentity(registry, environment)

    def own_servers(self, environment: Environment) -> tuple[str, ...]:
        """Return the registry of the account and region that are said; the gallery."""
        from dockcred.providers.ecr import accounts  # noqa: PLC0415 - not for `get`

        return accounts.own_servers(environment)

    def can_ask_for_own(self, environment: Environment) -> bool:
        """Return whether there is an identity with a region, and no account is said."""
        from dockcred.providers.ecr import accounts  # noqa: PLC0415 - as above

        return accounts.own_registry(environment) is not None

    def ask_for_own(self, environment: Environment) -> tuple[str, ...]:
        """Return the user and the registry of whoever asks, as AWS's helper does."""
        from dockcred.providers.ecr import accounts  # noqa: PLC0415 - as above

        registry = accounts.own_registry(environment)
        if registry is None:
            return ()
        user = self._identity(registry, environment).issue().username
        return (user, registry.host) if registry_of(registry.host) else ()

    def username(self, server: ServerURL, environment: Environment) -> str:
        """Return AWS's one user."""
        del server, environment
        return "AWS"

    def about(
        self, server: ServerURL, principal: str, environment: Environment
    ) -> dict[str, str]:
        """Return account, ARN, profile, role and the ends of a key's id."""
        from dockcred.providers.ecr import accounts  # noqa: PLC0415 - for `status`

        registry = registry_of(server.host)
        account = registry.account if registry else ""
        return accounts.about(account, principal, environment)

    def own_identities(
        self, server: ServerURL, principal: str, environment: Environment
    ) -> tuple[dict[str, str], ...]:
        """Return the profiles that lead to the registry's account."""
        from dockcred.providers.ecr import accounts  # noqa: PLC0415 - for `doctor`

        registry = registry_of(server.host)
        if registry is None or registry.is_public:
            return ()
        found = accounts.own_profiles(registry.account, principal, environment)
        return tuple({"profile": name} for name in found)
