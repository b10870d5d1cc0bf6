"""What a provider is, the key of its cache entries, and how long each source holds.

The key is all that selects an identity, in one line, and holds no secret.
"""

from __future__ import annotations

from dockcred.identity import cache
from dockcred.system.machine import UNKNOWN_BOOT, machine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from dockcred.credential import Credential, ServerURL
    from dockcred.system.environment import Environment

    class Identity(Protocol):
        """Who will be asked for one server's credential; deciding it asks nobody.

        `said` is what the source told of itself while it minted, as `who` would.
        """

        principal: str
        sources: tuple[str, ...]
        files: tuple[str, ...]
        tokens: tuple[str, ...]

        def issue(self) -> Credential:
            """Mint a credential."""

        def current_principal(self) -> str:
            """Ask the source who it is, without minting; nothing if it cannot tell."""

    class Provider(Protocol):
        """One identity system."""

        name: str
        program: str
        # A peer's variables that name the cache's parent, switch the cache off, or
        # ask to succeed in silence on store; empty where there is no such peer.
        cache_parent: str
        cache_off: str
        ignore_storage: str
        # Variables by which the launcher tells identities' tickets apart.
        tags: tuple[str, ...]
        variables: tuple[str, ...]
        secrets: tuple[str, ...]

        def matches(self, server: ServerURL) -> bool:
            """Return whether the whole host is one of ours; asks nobody."""

        def serves_anonymous(self, server: ServerURL) -> bool:
            """Return whether the registry answers pulls without a credential."""

        def config_files(self, environment: Environment) -> tuple[str, ...]:
            """Return the files that choose the identity."""

        def identity(self, server: ServerURL, environment: Environment) -> Identity:
            """Decide who will be asked; raise MissingIdentityError if nobody is."""


def cache_key(provider: Provider, server: ServerURL, environment: Environment) -> str:
    """Join provider, host, machine, variables and the look of configuration files.

    The files are not parsed: any change to one is another key.
    """
    get = environment.get
    parts = [provider.name, server.place, machine()]
    parts += [f"{name}={_public(get(name))}" for name in provider.variables]
    parts += [f"{name}?{bool(get(name))}" for name in provider.secrets]
    files = provider.config_files(environment)
    parts += [f"{path}@{cache.stat_signature(path)}" for path in files]
    return "\x1f".join(parts)


def looks_in(key: str, files: tuple[str, ...]) -> dict[str, str]:
    """Return how configuration files looked when the key was made, its last parts."""
    parts = key.split("\x1f")[-len(files) :] if files else []
    return dict(zip(files, (part.rpartition("@")[2] for part in parts), strict=True))


def _public(value: str) -> str:
    """Drop the user info of a URL, and keep a value to one line of the key."""
    scheme, separator, rest = value.partition("://")
    authority, slash, path = rest.partition("/")
    if separator and "@" in authority:
        value = f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"
    return ascii(value) if "\n" in value or "\x1f" in value else value


LEASE_S = 900.0


class Source:
    """One row: how far a source of an identity may be trusted to stay the same.

    lease_s  how long an entry is answered without asking the source; None where its
             files and variables tell every change
    direct   whether it is asked by the direct road, fit for a background refresh

    The launcher's sh answers whichever it can: see launcher.ticket.
    """

    __slots__ = ("direct", "lease_s", "name")

    def __init__(
        self,
        name: str,
        *,
        lease_s: float | None = None,
        direct: bool = False,
    ) -> None:
        self.name = name
        self.lease_s = lease_s
        self.direct = direct


# Every key holds the kernel's boot_id, the host name, the provider's variables and
# the look of its configuration files; the rows say what comes on top.
SOURCES = {
    row.name: row
    for row in (
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
        # The client id is who one is; like an AWS secret key, its proof is not kept.
        Source("azure:client-secret", direct=True),
        # The certificate's file is watched.
        Source("azure:client-certificate"),
        Source("azure:user-password"),
        # Issuer and subject of the token are conditions.
        Source("azure:workload-identity", direct=True),
        Source("azure:imds", lease_s=LEASE_S, direct=True),
        Source("azure:app-service", lease_s=LEASE_S, direct=True),
        Source("azure:service-fabric", lease_s=LEASE_S),
        Source("azure:arc", lease_s=LEASE_S),
        Source("azure:machine-learning", lease_s=LEASE_S),
        Source("azure:cloud-shell", lease_s=LEASE_S),
        # The login's file is watched; PowerShell and azd cannot say who they are, and
        # not every one of their releases writes the same file: minted anew.
        Source("azure:cli"),
        Source("azure:powershell", lease_s=LEASE_S),
        Source("azure:developer-cli", lease_s=LEASE_S),
        # The credentials file is in the key.
        Source("google:service-account"),
        Source("google:authorized-user"),
        # Issuer and subject of the token are conditions.
        Source("google:wif-file"),
        # Neither a URL, a program nor AWS can say who it is: minted anew.
        Source("google:wif-url", lease_s=LEASE_S),
        Source("google:wif-executable", lease_s=LEASE_S),
        Source("google:wif-aws", lease_s=LEASE_S),
        Source("google:impersonation"),
        # The login's files are in the key.
        Source("google:gcloud"),
        Source("google:metadata", lease_s=LEASE_S, direct=True),
        # The App's key file is watched; a token of a person is never kept.
        Source("github:app"),
        # Issuer and subject of the token are conditions. Elsewhere the job's own
        # address or number is in the key. A token that is handed on is never kept.
        Source("oidc:file", direct=True),
        Source("oidc:github-actions", direct=True),
        Source("oidc:azure-pipelines", direct=True),
        Source("oidc:gitlab"),
        Source("oidc:circleci"),
        Source("oidc:buildkite"),
        Source("oidc:google", lease_s=LEASE_S, direct=True),
        # What a cloud's own provider got for the token.
        Source("oidc:to-aws", direct=True),
        Source("oidc:to-azure", direct=True),
        Source("oidc:to-google"),
    )
}


def rows(source: str) -> list[Source]:
    """Return the rows of an entry's source, such as `aws:sso+aws:assume-role`."""
    return [SOURCES[name] for name in source.split("+")]


def lease_until(source: str, start: float) -> float | None:
    """Return the end of the shortest lease that begins at a time; None without one."""
    leases = [row.lease_s for row in rows(source) if row.lease_s is not None]
    return start + min(leases) if leases else None


def is_cacheable(identity: Identity) -> bool:
    """Return whether every source has a row, and a machine's a boot to be bound to."""
    found = [SOURCES.get(source) for source in identity.sources]
    if None in found:
        return False
    bound = not machine().startswith(UNKNOWN_BOOT)
    return bound or all(row is not None and row.lease_s is None for row in found)
