"""Where a minted credential is kept, whether it may be, and until when."""

from __future__ import annotations

import os
import time

from dockcred import lifetime
from dockcred.cache import directory
from dockcred.doctor.finding import command, fine, note, warning

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockcred.doctor.case import Case
    from dockcred.doctor.finding import Finding
    from dockcred.identity_store import IdentityStore
    from dockcred.server_url import ServerURL

STEP = "cache"
_AGES = {
    lifetime.FRESH: "fresh",
    lifetime.AGING: "renewed in the background",
    lifetime.LAST: "minted anew at the next need",
    lifetime.OVER: "over",
}


def check(case: Case) -> Iterator[Finding]:
    """Look at the cache's directory, and at what it holds for the registry."""
    store = case.store
    if store is None:
        return
    wanted = directory.locate(store.environment, store.provider.cache_parent)
    if not store.cache.path:
        yield _none(wanted)
        return
    yield from _entry(store, case.target)
    if failure := store.last_failure(case.target):
        cause, when = failure
        yield note(STEP, f"the last failure, {_span(time.time() - when)} ago: {cause}")


def _none(wanted: str) -> Finding:
    if not wanted:
        return note(STEP, "off: every request mints a credential")
    if not os.path.lexists(wanted):
        return note(STEP, f"{wanted} is made at the first need")
    if not os.path.isdir(wanted) or os.path.islink(wanted):
        return warning(
            STEP,
            f"{wanted} is no directory of ours: nothing is cached",
            fix=command("mv", wanted, f"{wanted}.aside"),
        )
    if os.stat(wanted).st_uid != os.geteuid():
        return warning(
            STEP,
            f"{wanted} belongs to another user: nothing is cached",
            remedy="set DOCKCRED_CACHE_DIR to a directory of your own",
        )
    return warning(
        STEP,
        f"others can write {wanted}: nothing is cached",
        fix=command("chmod", "700", wanted),
    )


def _entry(store: IdentityStore, target: ServerURL) -> Iterator[Finding]:
    entry = store.entry(target)
    if entry is None:
        yield fine(STEP, f"{store.cache.path}, without an entry for {target.host}")
        return
    now = time.time()
    credential = entry.credential
    text = (
        f"{store.cache.path}: minted {_span(now - credential.issued_at)} ago,"
        f" ends in {_span((credential.expires_at or now) - now)}"
        f" ({_AGES[lifetime.age(credential, now)]})"
    )
    if entry.lease_until is not None:
        text += f"; who it is, is asked again in {_span(entry.lease_until - now)}"
    yield fine(STEP, text)


def _span(seconds: float) -> str:
    """Say a time span as people do."""
    minutes = int(max(0.0, seconds) // 60)
    if not minutes:
        return f"{max(0, round(seconds))} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
