"""Oracle's registries: Oracle Cloud Infrastructure Registry, in every realm.

A realm is Oracle's term for a group of regions with a domain of its own.

hosts      which hosts are Oracle's, and where Oracle's tools keep their files
sources    the identity, by order: profiles, resource principals, the machine
regions    the registries of a region, for `list`
profiles   the settings in Oracle's configuration and variables, and a key's name
metadata   the instance's certificate, from its metadata service
machine    exchanges the identity of an instance or a pod for a session token
signature  signs a request
api        the request for a registry's token, and what its refusals mean
sdk        the SDK road: requests that Oracle's SDK signs
"""

from __future__ import annotations

import os

from dockcred.errors import CredentialsNotFoundError
from dockcred.identity.provider import LEASE_S, Provider, Source
from dockcred.providers.oracle import hosts
from dockcred.system.environment import oracle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.credential import ServerURL
    from dockcred.identity.provider import Identity
    from dockcred.system.environment import Environment


class Oracle(Provider):
    """The provider of `docker-credential-ocir`."""

    name = "oracle"
    program = "docker-credential-ocir"
    names = oracle
    tags = ("OCI_CLI_PROFILE", "OCI_CLI_AUTH")
    metadata = ("Oracle", "oracle:instance-principal")
    sources = (
        # No lease: the entry watches configuration and key file. For a key in a
        # variable, the cache key holds the fingerprint.
        Source("oracle:api-key", direct=True),
        # No lease: issuer and subject of the token are conditions of the entry.
        Source("oracle:session", direct=True),
        Source("oracle:workload-identity", direct=True),
        # No lease: the entry watches the files of token and key.
        Source("oracle:resource-principal", direct=True),
        Source("oracle:instance-principal", lease_s=LEASE_S, direct=True),
    )

    def matches(self, server: ServerURL) -> bool:
        """Return whether the whole host is Oracle's; False for unencrypted http."""
        return server.scheme != "http" and hosts.is_registry(server.host)

    def config_files(self, environment: Environment) -> tuple[str, ...]:
        """Return Oracle's configuration file, and a resource principal's files."""
        named = map(environment.get, oracle.SECRETS)
        files = filter(os.path.isabs, named)
        return tuple(filter(None, (hosts.config_file(environment), *files)))

    def identity(self, server: ServerURL, environment: Environment) -> Identity:
        """Return the identity that is configured for a server."""
        from dockcred.providers.oracle import sources  # noqa: PLC0415 - a miss

        if not self.matches(server):
            raise CredentialsNotFoundError
        return sources.choose(server.place, environment)

    def own_servers(self, environment: Environment) -> tuple[str, ...]:
        """Return the registries of the region in the profile or in variables."""
        named = any(map(environment.get, (*oracle.VARIABLES, *oracle.SECRETS)))
        if not named and not os.path.isfile(hosts.config_file(environment)):
            return ()  # so on most machines `list` imports no parser for it
        from dockcred.providers.oracle import regions  # noqa: PLC0415 - for `list`

        return regions.registries(regions.chosen(environment))

    def username(self, server: ServerURL, environment: Environment) -> str:
        """Return the user name that goes with every token."""
        del server, environment
        return hosts.USER

    def about(
        self, server: ServerURL, principal: str, environment: Environment
    ) -> dict[str, str]:
        """Return the profile with its user and tenancy, or the machine's own name."""
        from dockcred.providers.oracle import sources  # noqa: PLC0415 - for `status`

        del server
        return sources.about(principal, environment)
