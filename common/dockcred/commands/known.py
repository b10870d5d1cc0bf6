"""What is known here of each registry: who answers, until when, and for which clients.

No network is used, except by `ask_who`. What is returned never holds a secret.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from dockcred import credential as lifetime
from dockcred import wiring
from dockcred.clients.reference import HUB, HUB_NAMES, Reference, host_of
from dockcred.commands.shape import (
    BROKEN,
    BY_DEFAULT,
    CACHED,
    CONFIGURED,
    IN_CLEAR,
    KEPT,
    MACHINE,
    NOBODY,
    OTHERS,
    OVER,
    Answerer,
    ClientUse,
    Known,
)
from dockcred.commands.uses import ClientsHere
from dockcred.credential import ServerURL
from dockcred.errors import DockcredError, MissingIdentityError, WireError
from dockcred.identity import listing
from dockcred.identity.cache.files import Cache
from dockcred.identity.config import Config, open_config
from dockcred.stores.by_registry import ByRegistry
from dockcred.stores.problems import KeychainAbsentError
from dockcred.system import log, machine
from dockcred.system.environment import Environment

if TYPE_CHECKING:
    from dockcred.identity.cache import Entry
    from dockcred.identity.provider import Provider
    from dockcred.identity.store import IdentityStore


class Survey:
    """All that the files of this machine and user say of registries, read once.

    `problems` are the errors for which a part of it is not known.
    """

    def __init__(self, variables: Environment) -> None:
        """Read config.toml and the clients' files; a broken one is a problem."""
        self._variables = variables
        self.problems: list[DockcredError] = []
        self._router = wiring.identities(variables)
        self.clients = ClientsHere(variables)
        self._config = Config({}, [], {})
        self._logins: dict[str, str] | None = None
        self.keychain_problem: DockcredError | None = None
        try:
            self._config = open_config(
                variables, lambda: Cache(machine.locate(variables))
            )
        except DockcredError as error:
            self.problems.append(error)

    @property
    def logins(self) -> dict[str, str]:
        """Return the keychain's logins: user names by the keys of their servers."""
        if self._logins is None:
            self._logins = self._read_keychain()
        return self._logins

    def place(self) -> str:
        """Return where logins are kept, such as `secretservice`, or nothing."""
        from dockcred.identity.config.settings import overlay  # noqa: PLC0415 - status only
        from dockcred.stores import choice  # noqa: PLC0415

        variables = self._variables.with_values(overlay(self._config.defaults))
        try:
            return variables.get("DOCKCRED_STORE") or choice.choose(variables)
        except DockcredError:
            return ""

    @property
    def defaults(self) -> dict[str, str]:
        """Return what config.toml says for every registry."""
        return self._config.defaults

    def is_served(self, name: str) -> bool:
        """Return whether one of our providers serves it, and never without login."""
        target, store = self._router.identity_for(Reference(name).located)
        return store is not None and not store.provider.serves_anonymous(target)

    def own_identities(self, name: str) -> tuple[dict[str, str], ...]:
        """Return the settings with which a registry's own account would answer.

        There are none if it answers already.
        """
        target, store = self._router.identity_for(Reference(name).located)
        if store is None:
            return ()
        return store.provider.own_identities(target, "", store.environment)

    def hosts(self, *, with_keychain: bool = True) -> list[str]:
        """Return every known registry.

        Those are cached, were answered before, are named in a file, or have a login
        in the keychain.
        """
        found = [*self._config.hosts(), *(self.logins if with_keychain else ())]
        for name in wiring.PROVIDERS:
            try:
                provider = wiring.provider(name)
            except DockcredError as error:
                if str(error) not in map(str, self.problems):
                    self.problems.append(error)
                continue
            cache = wiring.open_cache(provider, self._variables)
            found += listing.hosts_in(provider, cache)
        found += self.clients.docker.first  # the registries of DOCKER_AUTH_CONFIG
        for file in (self.clients.docker, *self.clients.podman, self.clients.helm):
            found += [*file.table("credHelpers"), *file.table("auths")]
        return sorted(set(map(_named, found)) - {""})

    def describe(self, name: str) -> Known:
        """Return what is known of a registry; InvalidInputError if it is none."""
        reference = Reference(name)
        own = list(self.clients.of_people(reference))
        known = Known(reference.name, clients=own)
        if behind := self._variables.get("DOCKCRED_FORWARD"):
            known.state = CONFIGURED
            known.answerer = Answerer("forward", who={"socket": behind})
            return known
        try:
            target, store = self._router.identity_for(reference.located)
            if store is not None:
                _look_at_cache(known, store, target)
                if known.state == NOBODY:
                    _look_at_identity(known, store, target)
        except DockcredError as error:
            known.state, known.problem = BROKEN, error
        if known.state == NOBODY:
            self._look_at_logins(known)
        known.clients = [*own, *self.clients.of_machine(reference)]
        return known

    def ask_who(self, known: Known) -> None:
        """Ask the cloud which principal has answered; a failure is only logged."""
        try:
            target, store = self._router.identity_for(Reference(known.registry).located)
            if store is None:
                return
            said = store.provider.identity(target, store.environment).ask_principal()
            if said:
                about = store.provider.about(target, said, store.environment)
                known.answerer.who = about
        except DockcredError as error:
            log.info(f"{known.registry} does not say who has asked it: {error}")

    def _look_at_logins(self, known: Known) -> None:
        """Set who answers if no identity does: keychain, client's file or helper."""
        for key, user in self.logins.items():
            if _named(key) == _named(known.registry):
                known.state, known.problem = KEPT, None
                known.answerer = Answerer(f"keychain:{self.place()}", user)
                return
        for use in known.clients:
            if use.user:
                known.state, known.problem = IN_CLEAR, None
                known.answerer = Answerer(f"file:{use.file}", use.user)
                return
            if use.helper and not use.is_ours and use.key != BY_DEFAULT:
                known.state, known.problem = OTHERS, None
                known.answerer = Answerer(use.helper)
                return

    def uses(self, name: str) -> list[ClientUse]:
        """Return what people's clients do for a registry; empty if it is none."""
        try:
            return list(self.clients.of_people(Reference(name)))
        except DockcredError:
            return []

    def _read_keychain(self) -> dict[str, str]:
        try:
            store = ByRegistry(self._variables, self._config, wiring.fallback_store)
            found = store.list()
        except KeychainAbsentError:
            return {}
        except DockcredError as error:
            self.keychain_problem = error
            return {}
        left_out = store.left_out
        if left_out and not isinstance(left_out, KeychainAbsentError):
            self.keychain_problem = left_out
        return found


def _named(key: str) -> str:
    """Return the registry that a key of any client names; empty if it names none."""
    host = host_of(key)
    if host in HUB_NAMES:
        return HUB
    try:
        ServerURL.parse(host)
    except DockcredError:
        return ""
    return host if set(host) & {".", ":"} or host == "localhost" else ""


def _look_at_cache(known: Known, store: IdentityStore, target: ServerURL) -> None:
    """Set what the cache holds, for the current identity and for others."""
    known.failure = store.last_failure(target)
    now = store.entry(target)
    for name in sorted(store.cache.names(f"{store.provider.name},{target.host},")):
        entry = store.cache.read(name)
        if entry is None or entry.key.split("\x1f")[1:2] != [target.place]:
            continue
        answerer = _answerer(entry, store.provider, target)
        if now is None or entry.key != now.key:
            known.others.append(answerer)
            continue
        known.answerer = answerer
        is_over = lifetime.age(entry.credential, time.time()) == lifetime.OVER
        known.state = OVER if is_over else CACHED


def _answerer(entry: Entry, provider: Provider, target: ServerURL) -> Answerer:
    """Return whose a cache entry is.

    The entry's key holds the variables with which the credential was minted.
    """
    pairs = (part.partition("=") for part in entry.key.split("\x1f")[3:])
    variables = {name: value for name, equals, value in pairs if equals}
    held = entry.credential
    return Answerer(
        entry.source,
        held.username,
        provider.about(target, entry.principal, Environment(variables)),
        held.issued_at,
        held.expires_at,
    )


def _look_at_identity(known: Known, store: IdentityStore, target: ServerURL) -> None:
    """Set which identity would be asked, as it is configured; it is not asked."""
    provider, variables = store.provider, store.environment
    try:
        identity = provider.identity(target, variables)
        who = provider.about(target, "", variables)
    except WireError:
        return
    except MissingIdentityError as error:
        if not provider.serves_anonymous(target):
            known.problem = error
    except DockcredError as error:
        known.state, known.problem = BROKEN, error
    else:
        user = provider.username(target, variables)
        known.answerer = Answerer("+".join(identity.sources), user, who)
        is_machines = identity.sources == provider.metadata[1:]
        known.state = MACHINE if is_machines else CONFIGURED
