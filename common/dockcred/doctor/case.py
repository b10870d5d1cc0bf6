"""What is examined: a registry, with the variables of who would ask for it."""

from __future__ import annotations

import os

from dockcred import registry_table
from dockcred.environment import DEFAULT_TIMEOUT_S, timeout_s
from dockcred.errors import DockcredError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.environment import Environment
    from dockcred.identity import Provider
    from dockcred.identity_store import IdentityStore
    from dockcred.reference import Reference
    from dockcred.server_url import ServerURL

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""What systemd gives a service, and near to what cron, Nomad and kubelet have."""


class Case:
    """One registry and one set of variables; nothing is asked to make it.

    `store` is None where no provider of ours serves the registry; `target` is the
    registry behind an alias.
    """

    def __init__(self, reference: Reference, environment: Environment) -> None:
        """Route the registry by config.toml; `misconfigured` keeps what is wrong."""
        self.reference = reference
        self.environment = environment
        self.target: ServerURL = reference.server
        self.store: IdentityStore | None = None
        self.misconfigured: DockcredError | None = None
        self.timeout_s = DEFAULT_TIMEOUT_S
        try:
            # The helper's own limit comes first: it tells in what the time went.
            self.timeout_s = timeout_s(environment) + 1.0
            router = registry_table.identities(environment)
            self.target, self.store = router.identity_for(reference.server)
        except DockcredError as error:
            self.misconfigured = error

    @property
    def path(self) -> str:
        """Answer the PATH on which a client looks for helpers."""
        return self.environment.get("PATH", os.defpath)

    @property
    def provider(self) -> Provider | None:
        """Answer whose registry it is, if it is of a provider of ours."""
        return self.store.provider if self.store else None

    @property
    def needs_credential(self) -> bool:
        """Tell whether the registry is known to answer nobody anonymously."""
        provider = self.provider
        return provider is not None and not provider.serves_anonymous(self.target)
