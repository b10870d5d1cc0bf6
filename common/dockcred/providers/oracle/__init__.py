"""Oracle's registries: Oracle Cloud Infrastructure Registry, of every realm.

hosts      which hosts, and where Oracle's tools keep their files
sources    who is asked, in which order: profiles, resource principals, the machine
regions    the registries of a region, for `list`
profiles   what Oracle's configuration and variables say, and what a key is called
metadata   the machine's certificate, from its metadata service
machine    the machine's and the pod's own identity, traded for a session's token
signature  how a request is signed
api        the request for a registry's token, and what its refusals mean
sdk        the road through Oracle's SDK
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
        # Configuration and key file are watched; of a key in a variable, its
        # fingerprint is in the key.
        Source("oracle:api-key", direct=True),
        # Issuer and subject of the token are conditions.
        Source("oracle:session", direct=True),
        Source("oracle:workload-identity", direct=True),
        # Token and key are in files, which are watched.
        Source("oracle:resource-principal", direct=True),
        Source("oracle:instance-principal", lease_s=LEASE_S, direct=True),
    )

    def matches(self, server: ServerURL) -> bool:
        """Return whether the whole host is Oracle's; plain http carries no token."""
        return server.scheme != "http" and hosts.is_registry(server.host)

    def config_files(self, environment: Environment) -> tuple[str, ...]:
        """Return Oracle's configuration, and the files of a resource principal."""
        named = map(environment.get, oracle.SECRETS)
        files = filter(os.path.isabs, named)
        return tuple(filter(None, (hosts.config_file(environment), *files)))

    def identity(self, server: ServerURL, environment: Environment) -> Identity:
        """Choose who is asked."""
        from dockcred.providers.oracle import sources  # noqa: PLC0415 - a miss

        if not self.matches(server):
            raise CredentialsNotFoundError
        return sources.choose(server.place, environment)

    def own_servers(self, environment: Environment) -> tuple[str, ...]:
        """Return the registries of the region that profile or variables say."""
        named = any(map(environment.get, (*oracle.VARIABLES, *oracle.SECRETS)))
        if not named and not os.path.isfile(hosts.config_file(environment)):
            return ()  # as on most machines, whose `list` shall import no reader of it
        from dockcred.providers.oracle import regions  # noqa: PLC0415 - for `list`

        return regions.registries(regions.chosen(environment))

    def username(self, server: ServerURL, environment: Environment) -> str:
        """Return the one user of every token."""
        del server, environment
        return hosts.USER

    def about(
        self, server: ServerURL, principal: str, environment: Environment
    ) -> dict[str, str]:
        """Return the profile with its user and tenancy, or the machine's own names."""
        from dockcred.providers.oracle import sources  # noqa: PLC0415 - for `status`

        del server
        return sources.about(principal, environment)
