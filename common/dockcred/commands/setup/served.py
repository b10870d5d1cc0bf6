"""Which source serves a registry after all steps, and the proof that it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dockcred.api.many import ask_all
from dockcred.api.resolve import resolve
from dockcred.clients import files
from dockcred.clients.reference import Reference
from dockcred.commands import install, shape
from dockcred.commands.doctor import examination
from dockcred.commands.doctor.case import Case
from dockcred.commands.doctor.registry import OK, UNAUTHORIZED, RegistryProbe
from dockcred.commands.doctor.verdict import ANONYMOUS, BROKEN, WORKS
from dockcred.commands.known import Survey
from dockcred.errors import DockcredError, MissingIdentityError, WireError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from dockcred.clients.findings import Finding
    from dockcred.commands.setup.survey import Surroundings
    from dockcred.credential import Credential
    from dockcred.system.environment import Environment

HELPER = "auto"
KEEPER = "keyring"
KEEPS_NOTHING = (
    "nothing here keeps logins: docker asks our helper for what an identity serves, and"
    " keeps its logins readable; for all, first: dockcred vault create --key-file FILE"
)


class Served(NamedTuple):
    """The source that will serve a registry; `identity` describes who we are there."""

    registry: str
    helper: str
    identity: str
    source: str


class After:
    """The machine as it will be after the plan.

    `profiles` are AWS profiles by account. `moved` are keys of `credHelpers` that ask
    us then, as their own program cannot answer. `typed` are registries whose typed
    login comes before an identity.
    """

    def __init__(
        self,
        machine: Surroundings,
        profiles: Mapping[str, str],
        moved: Collection[str],
        typed: Collection[str],
    ) -> None:
        """Keep what the plan changes."""
        self._machine = machine
        self._profiles = profiles
        self._moved = moved
        self._typed = typed
        self._surveys: dict[str, Survey] = {}

    def served(self, name: str) -> Served:
        """Return the source that serves a registry when all steps are done."""
        machine = self._machine
        known = self._known(name).describe(name)
        helper = files.PREFIX + HELPER
        for use in known.clients:
            stays = use.is_installed and use.key.startswith("credHelpers")
            if use.client != "docker" or not stays or name in self._moved:
                continue
            helper = use.helper
            if not install.is_ours(files.chosen(helper, machine.path), helper):
                return Served(name, helper, "", helper)
        if name in self._typed:
            helper = files.PREFIX + KEEPER
        if name in self._typed or known.state in {
            shape.NOBODY,
            shape.IN_CLEAR,
            shape.OTHERS,
        }:
            for login in machine.logins:
                if login.name == name and machine.is_moved(login):
                    source = f"keychain:{machine.store}"
                    return Served(name, helper, login.user, source)
                if login.name == name:
                    return Served(name, "", login.user, f"file:{login.origin.path}")
        who = ", ".join(f"{key} {value}" for key, value in known.answerer.who.items())
        if known.problem:
            who = known.problem.cause
        return Served(name, helper, who or known.answerer.user, known.answerer.source)

    def _known(self, name: str) -> Survey:
        """Return the survey as it is once config.toml names the AWS profile."""
        profile = self._profiles.get(name.partition(".")[0])
        if not profile:
            return self._machine.known
        if profile not in self._surveys:
            chosen = {"DOCKCRED_AWS_PROFILE": profile}
            self._surveys[profile] = Survey(self._machine.variables.with_values(chosen))
        return self._surveys[profile]


class Proof(NamedTuple):
    """The result for one registry; `remedy` says what to do if it is broken."""

    registry: str
    verdict: str
    cause: str
    remedy: str

    def document(self) -> dict[str, str]:
        """Return the proof as a JSON object."""
        return self._asdict()


def prove(names: Sequence[str], variables: Environment) -> list[Proof]:
    """Ask for each registry or image, several at once; only this uses the network."""
    return ask_all(lambda name: _prove(name, variables), list(names))


def _prove(name: str, variables: Environment) -> Proof:
    reference = Reference(name)
    registry = reference.name.partition("/")[0]
    found = examination.examine(reference, variables)
    try:
        credential = resolve(name, environment=variables.set_values())
    except (WireError, MissingIdentityError):
        if found.verdict == BROKEN:
            return _broken(registry, found.problems[0])
        said = "nobody answers: clients ask as nobody"
        return Proof(registry, ANONYMOUS, said, "")
    except DockcredError as error:
        return Proof(registry, BROKEN, error.cause, error.remedy)
    if found.verdict == BROKEN:
        return _broken(registry, found.problems[0])
    return _shown(reference, credential, variables)


def _broken(registry: str, found: Finding) -> Proof:
    remedy = f"run: {found.fix}" if found.fix else found.remedy
    return Proof(registry, BROKEN, found.text, remedy)


def _shown(
    reference: Reference, credential: Credential, variables: Environment
) -> Proof:
    """Use the credential at the registry, and return the result."""
    registry = reference.name.partition("/")[0]
    probe = RegistryProbe(Case(reference, variables), credential)
    try:
        status = probe.greet()
        if status == UNAUTHORIZED:
            status = probe.log_in(reference.repository)
    except DockcredError as error:
        return Proof(registry, BROKEN, error.cause, error.remedy)
    if status != OK:
        cause = f"{registry} refuses the credential of {credential.username} ({status})"
        return Proof(registry, BROKEN, cause, f"run: dockcred doctor {registry}")
    return Proof(registry, WORKS, f"as {credential.username}", "")
