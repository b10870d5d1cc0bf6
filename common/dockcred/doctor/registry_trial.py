"""Whether the registry takes the credential, and what it lets its holder do.

A credential that is refused as such is a wrong account's, altered or ended; one that
is taken and yet may not read the repository lacks a permission.
"""

from __future__ import annotations

from dockcred.doctor.finding import error, fine, note
from dockcred.doctor.registry import (
    FORBIDDEN,
    NOT_FOUND,
    OK,
    UNAUTHORIZED,
    Registry,
)
from dockcred.errors import DockcredError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockcred.credential import Credential
    from dockcred.doctor.case import Case
    from dockcred.doctor.finding import Finding

STEP = "registry"


def check(
    case: Case, credential: Credential | None, renew: str = ""
) -> Iterator[Finding]:
    """Try the credential for a pull; `renew` is the command that makes another."""
    reference = case.reference
    if not reference.repository:
        name = reference.name
        yield note(STEP, f"not asked: dockcred doctor {name}/REPOSITORY asks it")
        return
    registry = Registry(case, credential)
    try:
        yield from _try(registry, case, credential, renew)
    except DockcredError as problem:
        yield error(STEP, problem.cause, problem.remedy)


def _try(
    registry: Registry, case: Case, credential: Credential | None, renew: str
) -> Iterator[Finding]:
    name, repository = case.reference.name, case.reference.repository
    host = case.reference.registry
    who = f"the credential of {credential.username}" if credential else "nobody"
    greeted = registry.greet()
    if greeted not in {OK, UNAUTHORIZED}:
        yield error(STEP, f"{host} does not answer as a registry (status {greeted})")
        return
    if greeted == UNAUTHORIZED and (
        credential or registry.challenge.scheme == "bearer"
    ):
        status = registry.log_in(repository)
        if status == UNAUTHORIZED:
            yield _refused(case, credential, renew)
            return
        if status == FORBIDDEN:
            yield _forbidden(case, who)
            return
        if status != OK:
            yield error(STEP, f"{host} answered {who} with status {status}")
            return
    status, code = registry.manifest(repository)
    if status == OK or (status == NOT_FOUND and code == "MANIFEST_UNKNOWN"):
        yield fine(STEP, f"{host} lets {who} read {repository}")
    elif status == NOT_FOUND:
        yield error(
            STEP,
            f"{host} takes {who}, but has no repository {repository} that it may see",
            "see the repository's name, and its region in the host",
        )
    elif status in {UNAUTHORIZED, FORBIDDEN} and credential:
        yield _forbidden(case, who)
    elif status in {UNAUTHORIZED, FORBIDDEN}:
        yield error(STEP, f"{name} is not for everybody, and nobody's name was shown")
    else:
        yield error(STEP, f"{host} answered {status} for {repository}")


def _refused(case: Case, credential: Credential | None, renew: str) -> Finding:
    host = case.reference.registry
    if credential is None:
        return error(STEP, f"{host} gives no token to nobody")
    return error(
        STEP,
        f"wrong account: {host} refuses the credential of {credential.username}"
        " (401): it is another registry's, altered or ended",
        "see the identity above, and the account in the registry's name",
        renew,
    )


def _forbidden(case: Case, who: str) -> Finding:
    repository = case.reference.repository
    return error(
        STEP,
        f"missing permission: {case.reference.registry} knows {who}, but does not"
        f" let it read {repository}",
        "allow the identity above to pull this repository",
    )
