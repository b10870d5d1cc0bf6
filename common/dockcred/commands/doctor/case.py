"""What is examined: a registry, who answers for it, and what the cache holds."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cached_property

from dockcred import wiring
from dockcred.clients import files
from dockcred.clients.findings import (
    Finding,
    Severity,
    error,
    fine,
    note,
)
from dockcred.errors import (
    DockcredError,
    MissingIdentityError,
    UselessIdentityError,
    WireError,
)
from dockcred.identity import cache
from dockcred.identity.cache.files import Cache
from dockcred.identity.config import open_config
from dockcred.identity.config.settings import overlay
from dockcred.identity.misspelt import misspelt
from dockcred.system import cloud, machine
from dockcred.system import environment as names
from dockcred.system.environment import DEFAULT_TIMEOUT_S, timeout_s

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockcred.clients.files import HelperAnswer
    from dockcred.clients.reference import Reference
    from dockcred.commands.doctor.service import SystemdUnit
    from dockcred.credential import ServerURL
    from dockcred.identity.config import Config
    from dockcred.identity.provider import Provider
    from dockcred.identity.store import IdentityStore
    from dockcred.system.environment import Environment


class Case:
    """One registry and one set of environment variables; making it asks nobody.

    `store` is None if no provider of ours serves the registry. `target` is the
    registry behind an alias.
    """

    def __init__(
        self,
        reference: Reference,
        environment: Environment,
        service: SystemdUnit | None = None,
    ) -> None:
        """Route the registry by config.toml; keep an error in `misconfigured`."""
        self.reference = reference
        self.environment = environment
        self.target: ServerURL = reference.server
        self.store: IdentityStore | None = None
        self.misconfigured: DockcredError | None = None
        self.timeout_s = DEFAULT_TIMEOUT_S
        self.service = service
        self._answers: dict[tuple[str, str], HelperAnswer] = {}
        try:
            # Longer than the helper's own timeout, whose error says what took so long.
            self.timeout_s = timeout_s(environment) + 1.0
            router = wiring.identities(environment)
            self.target, self.store = router.identity_for(reference.server)
            if environment.get("DOCKCRED_FORWARD"):
                self.store = None  # the machine that is asked chooses the identity
        except DockcredError as error:
            self.misconfigured = error

    @property
    def path(self) -> str:
        """Return the PATH on which a client looks for helpers."""
        return self.environment.get("PATH", os.defpath)

    @property
    def provider(self) -> Provider | None:
        """Return the provider of ours that serves the registry, or None."""
        return self.store.provider if self.store else None

    @property
    def needs_credential(self) -> bool:
        """Return whether the registry is known to refuse anonymous requests."""
        provider = self.provider
        return provider is not None and not provider.serves_anonymous(self.target)

    @property
    def must_be_known(self) -> bool:
        """Return whether a setting forbids anonymous requests to the registry."""
        variables = self.environment
        if self.store:
            variables = self.store.environment
        elif not self.misconfigured:
            settings = self._config().settings_for(self.reference.server)
            variables = variables.with_values(overlay(settings))
        return variables.get("DOCKCRED_ANONYMOUS").lower() == "false"

    def ask(self, file: str, key: str) -> HelperAnswer:
        """Return a helper's answer; it is asked once, even for several clients."""
        asked = file, key
        if asked not in self._answers:
            self._answers[asked] = files.ask(
                file, key, self.environment, self.timeout_s
            )
        return self._answers[asked]

    def _config(self) -> Config:
        variables = self.environment
        return open_config(variables, lambda: Cache(machine.locate(variables)))

    @property
    def place(self) -> str:
        """Return file and line of the registry's entry in config.toml, or nothing."""
        return self._config().place_for(self.reference.server)

    @cached_property
    def slip(self) -> tuple[str, str]:
        """Return what is wrong with the host's name and the remedy, or nothing."""
        found = misspelt(self.target.host)
        is_served = self.provider is not None and self.provider.name != "ecr"
        return ("", "") if is_served else found

    @cached_property
    def why_nobody(self) -> DockcredError | None:
        """Return the error for which our helper has no credential; None without one."""
        try:
            if self.store:
                self.store.get(self.target)
        except DockcredError as problem:
            cause = problem.__cause__ or problem
            if isinstance(cause, DockcredError) and not isinstance(cause, WireError):
                return cause
        return None


def is_useless(why: DockcredError | None) -> bool:
    """Return whether an identity is configured but gives no credential.

    Having no identity at all is no fault, since a registry may allow anonymous pulls.
    """
    nobody = isinstance(why, MissingIdentityError)
    return isinstance(why, UselessIdentityError) or (why is not None and not nobody)


STEP = "identity"


def check_identity(case: Case) -> Iterator[Finding]:
    """Yield which identity answers for the registry, and through which source."""
    if case.misconfigured:
        yield error(STEP, case.misconfigured.cause, case.misconfigured.remedy)
        return
    store = case.store
    if store is None:
        return
    if case.target.host != case.reference.server.host:
        yield note(
            STEP,
            f"config.toml puts {case.target.host} behind {case.reference.authority}:"
            f" whoever owns {case.reference.authority} receives the credential",
        )
    who = _who(store, case.target)
    if place := case.place:
        who = replace(who, text=f"{who.text} ({place})")
    yield who
    yield from _metadata(store, case.target)


def _metadata(store: IdentityStore, target: ServerURL) -> Iterator[Finding]:
    """Yield why the default metadata service is not asked, or has a short timeout."""
    whose, source = store.provider.metadata
    address = cloud.address_of(whose)
    try:
        sources = store.provider.identity(target, store.environment).sources
    except DockcredError:
        return  # told above
    if not whose or source not in sources:
        return
    if words := cloud.Hardware().excludes(whose):
        yield note(
            STEP,
            f"this machine is not {whose}'s but {words}: {address} is not asked,"
            " unless a variable names it",
        )
    age_s = cloud.Silence(store.environment, whose).age_s()
    if age_s is not None:
        yield note(
            STEP,
            f"{address} was silent {age_s:.0f} s ago: until {cloud.HOLDS_S:g} s"
            f" have passed, it is given {cloud.KNOCK_S * 1000:g} ms to take a"
            " connection",
        )


def _who(store: IdentityStore, target: ServerURL) -> Finding:
    parts = _selected(store)
    entry = store.entry(target)
    if entry:
        source, said = entry.source, entry.principal
        tokens = [c.split("\t")[1] for c in entry.conditions if c.startswith("token")]
    else:
        try:
            identity = store.provider.identity(target, store.environment)
        except MissingIdentityError as nobody:
            is_bad = isinstance(nobody, UselessIdentityError)
            is_bad = is_bad or not store.provider.serves_anonymous(target)
            severity = Severity.ERROR if is_bad else Severity.NOTE
            return Finding(severity, STEP, nobody.cause, nobody.remedy)
        except DockcredError as problem:
            return error(STEP, problem.cause, problem.remedy)
        source, said = "+".join(identity.sources), ""
        tokens = list(identity.tokens)
    if said:
        parts.insert(0, said)
    parts += [f"a token of {subject}" for t in tokens if (subject := _subject(t))]
    if not parts:
        parts = [
            f"{n} is set" for n in store.provider.secrets if store.environment.get(n)
        ]
    text = f"{source}: {', '.join(parts) or 'by default'}"
    if not entry and store.last_failure(target):
        return note(STEP, f"{text}; no credential was had")
    return fine(STEP, text)


def _selected(store: IdentityStore) -> list[str]:
    """Return the variables that choose the identity; keys are cut to their ends."""
    chosen = []
    for name in store.provider.variables:
        value = store.environment.get(name)
        if not value or name in names.COMMON or "ENDPOINT" in name or "://" in value:
            continue
        if name.endswith(("KEY_ID", "ACCESS_KEY")):
            value = store.environment.ends(name)
        chosen.append(f"{name}={value}")
    return chosen


def _subject(path: str) -> str:
    return cache.subject_in(path).strip("()").replace("'", "")
