"""user:password in one line."""

from __future__ import annotations

from collections.abc import Iterator

from dockcred.checking import text
from dockcred.checking.text import ENTRY
from dockcred.doctor.finding import Finding, error, fine, note
from dockcred.errors import InvalidInputError
from dockcred.lookup.auths import TOKEN

READER = "who reads user:password"


def check(data: bytes) -> Iterator[Finding]:
    """Look at the pair."""
    try:
        line = data.decode()
    except UnicodeDecodeError:
        raise InvalidInputError("it is no text", "render it again") from None
    user, colon, password = line.removesuffix("\n").partition(":")
    if not colon or not password:
        yield error(ENTRY, "it is not user:password: there is no password")
        return
    if user == TOKEN:
        yield error(ENTRY, "it has an identity token, and no user")
    elif "\n" in password or "\r" in password:
        yield error(
            ENTRY, "it has more than one line: the password goes on in the next"
        )
    else:
        yield fine(ENTRY, f"the user {text.shown(user)}")
    if line.endswith("\n"):
        yield note(
            ENTRY,
            "it ends in a newline: Argo CD Image Updater cuts it off, base64 does not",
        )
