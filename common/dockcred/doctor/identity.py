"""Whose credential it is: the identity that is configured, as far as nobody is asked.

The principal is what the source has said of itself when it minted (a role's name, a
role's ARN, a token's subject) and what the variables say (a profile, the ends of an
access key id). STS GetCallerIdentity is not called: it would need the keys, and the
SDK's road resolves those only by minting.
"""

from __future__ import annotations

from dockcred import environment as names
from dockcred.cache import watched
from dockcred.doctor.finding import error, fine, note
from dockcred.errors import DockcredError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockcred.doctor.case import Case
    from dockcred.doctor.finding import Finding
    from dockcred.identity_store import IdentityStore
    from dockcred.server_url import ServerURL

STEP = "identity"
_SHOWN = 4


def check(case: Case) -> Iterator[Finding]:
    """Say who answers for the registry, and through which source."""
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
    yield _who(store, case.target)


def _who(store: IdentityStore, target: ServerURL) -> Finding:
    parts = _selected(store)
    entry = store.entry(target)
    if entry:
        source, said = entry.source, entry.who
        tokens = [c.split("\t")[1] for c in entry.conditions if c.startswith("token")]
    else:
        try:
            identity = store.provider.identity(target, store.environment)
        except DockcredError as problem:
            return error(STEP, problem.cause, problem.remedy)
        source, said = "+".join(identity.sources), ""
        tokens = list(identity.tokens)
    if said:
        parts.insert(0, said)
    parts += [f"a token of {subject}" for t in tokens if (subject := _subject(t))]
    return fine(STEP, f"{source}: {', '.join(parts) or 'by default'}")


def _selected(store: IdentityStore) -> list[str]:
    """Name the variables that choose the identity; keys by their ends alone."""
    chosen = []
    for name in store.provider.variables:
        value = store.environment.get(name)
        if not value or name in names.COMMON or "ENDPOINT" in name or "://" in value:
            continue
        if name.endswith(("KEY_ID", "ACCESS_KEY")):
            value = f"{value[:_SHOWN]}…{value[-_SHOWN:]}"
        chosen.append(f"{name}={value}")
    return chosen


def _subject(path: str) -> str:
    return watched.subject_in(path).strip("()").replace("'", "")
