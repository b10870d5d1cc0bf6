"""Amazon ECR: private registries of every partition, and the public gallery.

hosts            which hosts are ECR's, what a host tells, and where ~/.aws is
endpoints        the URLs of AWS's APIs, the keys that sign, and the reader of ~/.aws
direct, machine  the direct road: the machine's identities by our own requests
api              the requests to ECR and STS
sdk, profiles    the SDK road: every other identity, through botocore
session          what we change in botocore's session
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
    # Calls per second, and burst: by quota L-55A41110, and by AWS's page on
    # troubleshooting.
    quotas = ((500.0, 500), (20.0, 200))
    sources = (
        Source("aws:env-keys", direct=True),
        Source("aws:shared-credentials"),
        Source("aws:assume-role"),
        # No lease: the entry watches the AWS CLI's role cache.
        Source("aws:assume-role-mfa"),
        # No lease: issuer and subject of the token are conditions of the entry.
        Source("aws:web-identity", direct=True),
        # No lease: the entry watches the login's token file.
        Source("aws:sso"),
        Source("aws:login"),
        # The entry also ends at the process's own Expiration. A process cannot say who
        # it is, so a new credential is minted when the lease ends.
        Source("aws:process", lease_s=LEASE_S),
        Source("aws:container", lease_s=LEASE_S, direct=True),
        Source("aws:pod-identity", lease_s=LEASE_S, direct=True),
        Source("aws:instance-profile", lease_s=LEASE_S, direct=True),
    )

    def matches(self, server: ServerURL) -> bool:
        """Return whether the whole host is ECR's; False for unencrypted http."""
        return server.scheme != "http" and registry_of(server.host) is not None

    def serves_anonymous(self, server: ServerURL) -> bool:
        """Return whether it is the public gallery, which has anonymous pulls."""
        registry = registry_of(server.host)
        return registry is not None and registry.is_public

    def config_files(self, environment: Environment) -> tuple[str, ...]:
        """Return the paths of AWS's shared config and credentials files."""
        return hosts.files(environment)

    def identity(self, server: ServerURL, environment: Environment) -> Identity:
        """Return the identity that is asked for a server's password.

        There are two roads to AWS. On the direct road we send our own requests, without
        an SDK. It serves the machine's identities, a web identity, and keys in
        variables. On the SDK road botocore is used: for profiles, and for a role that
        is named for the registry. DOCKCRED_ROAD forces one of them.

        Raises CredentialsNotFoundError where the host is not ECR's. Raises
        InvalidInputError where the direct road is forced, but a profile or role is
        named for the registry.
        """
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
        """Return the registry of the configured account and region, and the gallery."""
        from dockcred.providers.ecr import accounts  # noqa: PLC0415 - not for `get`

        return accounts.own_servers(environment)

    def can_ask_for_own(self, environment: Environment) -> bool:
        """Return whether an identity and a region are configured, but no account."""
        from dockcred.providers.ecr import accounts  # noqa: PLC0415 - as above

        return accounts.own_registry(environment) is not None

    def ask_for_own(self, environment: Environment) -> tuple[str, ...]:
        """Return the user and the caller's own registry, as AWS's own helper lists it.

        This mints a password, since its answer names the account.
        """
        from dockcred.providers.ecr import accounts  # noqa: PLC0415 - as above

        registry = accounts.own_registry(environment)
        if registry is None:
            return ()
        user = self._identity(registry, environment).issue().username
        return (user, registry.host) if registry_of(registry.host) else ()

    def username(self, server: ServerURL, environment: Environment) -> str:
        """Return the user name of every ECR password: it is always AWS."""
        del server, environment
        return "AWS"

    def about(
        self, server: ServerURL, principal: str, environment: Environment
    ) -> dict[str, str]:
        """Return account, ARN, profile, role, and both ends of an access key's id."""
        from dockcred.providers.ecr import accounts  # noqa: PLC0415 - for `status`

        registry = registry_of(server.host)
        account = registry.account if registry else ""
        return accounts.about(account, principal, environment)

    def own_identities(
        self, server: ServerURL, principal: str, environment: Environment
    ) -> tuple[dict[str, str], ...]:
        """Return the profiles that lead to the registry's account, as settings."""
        from dockcred.providers.ecr import accounts  # noqa: PLC0415 - for `doctor`

        registry = registry_of(server.host)
        if registry is None or registry.is_public:
            return ()
        found = accounts.own_profiles(registry.account, principal, environment)
        return tuple({"profile": name} for name in found)
