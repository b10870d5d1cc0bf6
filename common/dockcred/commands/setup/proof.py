"""Proves a setup: each registry is asked as its client asks it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dockcred.api.many import ask_all
from dockcred.api.resolve import resolve
from dockcred.clients.findings import Severity
from dockcred.clients.reference import Reference
from dockcred.commands.doctor import examination
from dockcred.commands.doctor.case import Case
from dockcred.commands.doctor.registry import OK, UNAUTHORIZED, RegistryProbe
from dockcred.commands.doctor.verdict import ANONYMOUS, BROKEN, WORKS
from dockcred.errors import DockcredError, MissingIdentityError, WireError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dockcred.clients.findings import Finding
    from dockcred.credential import Credential
    from dockcred.system.environment import Environment


class Proof(NamedTuple):
    """What came of asking a registry; `remedy` is what to do where it is broken."""

    registry: str
    verdict: str
    cause: str
    remedy: str

    def document(self) -> dict[str, str]:
        """Return it as JSON has it."""
        return self._asdict()


def prove(names: Sequence[str], variables: Environment) -> list[Proof]:
    """Ask for each registry or image, several at once; the only use of a network."""
    return ask_all(lambda name: _prove(name, variables), list(names))


def _prove(name: str, variables: Environment) -> Proof:
    reference = Reference(name)
    registry = reference.name.partition("/")[0]
    findings = examination.examine(reference, variables).findings
    try:
        credential = resolve(name, environment=variables.set_values())
    except (WireError, MissingIdentityError):
        for found in findings:
            if found.severity == Severity.ERROR:
                return _broken(registry, found)
        said = "nobody answers: clients ask as nobody"
        return Proof(registry, ANONYMOUS, said, "")
    except DockcredError as error:
        return Proof(registry, BROKEN, error.cause, error.remedy)
    for found in findings:
        # An identity that has none is no fault where a login is kept.
        if found.severity == Severity.ERROR and found.client:
            return _broken(registry, found)
    return _shown(reference, credential, variables)


def _broken(registry: str, found: Finding) -> Proof:
    remedy = f"run: {found.fix}" if found.fix else found.remedy
    return Proof(registry, BROKEN, found.text, remedy)


def _shown(
    reference: Reference, credential: Credential, variables: Environment
) -> Proof:
    """Show the credential to the registry."""
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
