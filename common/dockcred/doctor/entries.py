"""A credential that stands in a client's file: a stub, a newline, a token."""

from __future__ import annotations

from dockcred.doctor.finding import command, error, fine, note
from dockcred.lookup import auths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockcred.credential import Credential
    from dockcred.doctor.case import Case
    from dockcred.doctor.finding import Finding
    from dockcred.lookup.files import Found

STEP = "entry"


def is_stub(found: Found) -> bool:
    """Tell an entry that holds nothing, as `docker login` leaves beside a store."""
    return not found.helper and credential(found) is None and not _is_broken(found)


def credential(found: Found) -> Credential | None:
    """Answer what an entry holds; None where it holds nothing that can be read."""
    try:
        return auths.decode(found.entry or {})
    except ValueError:
        return None


def check(found: Found, case: Case, login: str) -> Iterator[Finding]:
    """Look at an entry's credential; `login` is the program that writes a new one."""
    held = credential(found)
    where = f"{found.key} in {found.path}"
    if held is None:
        yield error(
            STEP,
            f"{where} is not the base64 of user:password",
            fix=renew(found, case, login, "USER"),
        )
    elif held.secret != held.secret.strip() or held.username != held.username.strip():
        what = "a newline" if held.secret.endswith("\n") else "a blank"
        yield error(
            STEP,
            f"{where} ends in {what}, as `echo` adds it: no registry takes it",
            remedy="write it with printf %s, or let docker login write it",
            fix=renew(found, case, login, held.username.strip()),
        )
    elif held.username == auths.TOKEN:
        yield note(
            STEP, f"{where} holds an identity token: Nomad and Kubernetes cannot use it"
        )
    else:
        yield fine(STEP, f"{where}: the user {held.username}, stored")


def renew(found: Found, case: Case, login: str, user: str) -> str:
    """Write the command that puts a new credential into the same file."""
    words = [login, "login"]
    if login != "docker":
        words += ["--authfile", found.path]
    words += ["--username", user]
    if case.provider is None:
        return command(*words, case.reference.authority)
    asked = command("dockcred", "get", case.reference.authority, "--password")
    return f"{asked} | " + command(*words, "--password-stdin", case.reference.authority)


def _is_broken(found: Found) -> bool:
    try:
        auths.decode(found.entry or {})
    except ValueError:
        return True
    return False
