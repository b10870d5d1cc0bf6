"""Amazon ECR: private registries of every partition, and the public gallery.

hosts          which hosts, and what each says of its registry
endpoints      where its API is
shared_config  whether ~/.aws has a say
direct         the machine's identities: machine, api, sigv4, keys
sdk            every other identity, through botocore
problems       what AWS's error codes mean
"""

from __future__ import annotations

from dockcred.environment import COMMON
from dockcred.environment import aws as names
from dockcred.errors import CredentialsNotFoundError
from dockcred.providers.ecr import shared_config
from dockcred.providers.ecr.hosts import registry_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.environment import Environment
    from dockcred.identity import Identity
    from dockcred.server_url import ServerURL


class ECR:
    """The provider of `docker-credential-ecr-login`."""

    name = "ecr"
    program = "docker-credential-ecr-login"
    variables = (*COMMON, *names.VARIABLES)
    secrets = names.SECRETS
    tags = ("AWS_PROFILE", "AWS_ACCESS_KEY_ID")
    cache_parent = "AWS_ECR_CACHE_DIR"
    cache_off = "AWS_ECR_DISABLE_CACHE"
    ignore_storage = "AWS_ECR_IGNORE_CREDS_STORAGE"

    def matches(self, server: ServerURL) -> bool:
        """Tell whether the whole host is ECR's; plain http carries no password."""
        return server.scheme != "http" and registry_of(server.host) is not None

    def serves_anonymous(self, server: ServerURL) -> bool:
        """Tell whether this is the public gallery; private ECR has no anonymous."""
        registry = registry_of(server.host)
        return registry is not None and registry.is_public

    def config_files(self, environment: Environment) -> tuple[str, ...]:
        """Name the shared configuration."""
        return shared_config.files(environment)

    def identity(self, server: ServerURL, environment: Environment) -> Identity:
        """Take the direct road where the machine is who we are, else the SDK's."""
        registry = registry_of(server.host)
        if registry is None:
            raise CredentialsNotFoundError
        from dockcred.providers.ecr import direct  # noqa: PLC0415 - a miss only

        source = direct.source_of(environment)
        say = shared_config.Say(environment)
        road = environment.get("DOCKCRED_ROAD")
        by_profile = (
            say.other
            or (say.identity and source != direct.ENV_KEYS)
            or environment.first("DOCKCRED_AWS_PROFILE", "DOCKCRED_AWS_ROLE_ARN")
        )
        if road != "sdk" and (not by_profile or road == "direct"):
            return direct.DirectIdentity(registry, environment, source)
        from dockcred.providers.ecr.sdk import SdkIdentity  # noqa: PLC0415

        return SdkIdentity(registry, environment)
