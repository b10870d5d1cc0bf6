"""Alibaba Cloud Container Registry (ACR): personal and enterprise instances.

hosts     which hosts are ACR's, and what a host tells of its registry
identity  the identity, in the order of Alibaba's own library
machine   keys by a pod's token, from the metadata service of ECS, and from a URI
profiles  which profile of the files is selected, and its kind
sdk       the keys of every other profile, through alibabacloud-credentials
api       the signed requests to the registry's API and to STS
problems  what Alibaba's error codes mean
"""

from __future__ import annotations

from dockcred.errors import CredentialsNotFoundError
from dockcred.identity.provider import LEASE_S, Provider, Source
from dockcred.providers.alibaba.hosts import registry_of
from dockcred.system.environment import alibaba

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.credential import ServerURL
    from dockcred.identity.provider import Identity
    from dockcred.system.environment import Environment

FILES = (".aliyun/config.json", ".alibabacloud/credentials.ini")
"""The files of Alibaba's CLI and of its libraries, below the home directory."""
OLD_FILE = ".alibabacloud/credentials"
"""The second file's name in the helper in Go and in libraries of other languages."""


class Alibaba(Provider):
    """The provider of `docker-credential-acr-helper`."""

    name = "alibaba"
    program = "docker-credential-acr-helper"
    names = alibaba
    tags = ("ALIBABA_CLOUD_PROFILE", "ALIBABA_CLOUD_ACCESS_KEY_ID")
    metadata = ("Alibaba Cloud", "alibaba:ecs-role")
    sources = (
        Source("alibaba:env-keys", direct=True),
        # No lease: issuer and subject of the token are conditions of the entry.
        Source("alibaba:oidc", direct=True),
        # No lease: the cache key holds the state of the files.
        Source("alibaba:profile"),
        # The profile's keys may come from the machine, or from a login that expires
        # elsewhere.
        Source("alibaba:profile-of-another", lease_s=LEASE_S),
        Source("alibaba:ecs-role", lease_s=LEASE_S, direct=True),
        Source("alibaba:uri", lease_s=LEASE_S, direct=True),
    )

    def matches(self, server: ServerURL) -> bool:
        """Return whether the whole host is ACR's; False for unencrypted http."""
        return server.scheme != "http" and registry_of(server.host) is not None

    def serves_anonymous(self, server: ServerURL) -> bool:
        """Return whether anonymous pulls may work: not at a personal instance's host.

        Source: alibabacloud.com/help/en/acr/user-guide,
        individual-edition-instance-independent-domain-name-capacity-limit
        """
        registry = registry_of(server.host)
        return registry is not None and not registry.is_exclusive

    def config_files(self, environment: Environment) -> tuple[str, ...]:
        """Return the paths of the files with profiles."""
        home = environment.home()
        named = environment.get("ALIBABA_CLOUD_CREDENTIALS_FILE")
        below = (*FILES, OLD_FILE)
        found = tuple(f"{home}/{name}" for name in below) if home else ()
        return (*found, named) if named else found

    def identity(self, server: ServerURL, environment: Environment) -> Identity:
        """Return the identity that Alibaba's library would choose."""
        registry = registry_of(server.host)
        if registry is None:
            raise CredentialsNotFoundError
        from dockcred.providers.alibaba.identity import choose  # noqa: PLC0415 - a miss only

        return choose(registry, environment)

    def about(
        self, server: ServerURL, principal: str, environment: Environment
    ) -> dict[str, str]:
        """Return instance, region, profile, ARN or role, and both ends of a key id."""
        from dockcred.providers.alibaba import profiles  # noqa: PLC0415 - for `status`

        registry = registry_of(server.host)
        key = environment.ends("ALIBABA_CLOUD_ACCESS_KEY_ID")
        profile = None if key else profiles.chosen(environment)
        found = {
            "instance": registry.instance if registry else "",
            "region": registry.region if registry else "",
            "profile": profile.name if profile else "",
            "arn" if principal.startswith("acs:") else "role": principal,
            "key": key,
        }
        return {name: value for name, value in found.items() if value}
