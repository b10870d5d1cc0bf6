"""Render and check user:password without a newline, for programs that encode it.

Argo CD Image Updater reads the same as a line. Some programs read only a password.
These formats, and the variables in `environment`, do not belong to one client.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dockcred.clients import entries, findings
from dockcred.clients.entries import TOKEN, Login
from dockcred.clients.findings import ENTRY, Finding, error, fine, note
from dockcred.clients.formats import Options
from dockcred.errors import InvalidInputError

FILE = "user-pass"
OPTIONS: tuple[str, ...] = ()
CONSUMERS: tuple[str, ...] = ()


def render(logins: Sequence[Login], _options: Options) -> bytes:
    """Return user:password."""
    entries.refuse_tokens(logins, "who reads user:password")
    return entries.pair(entries.only(logins, "user:password")).encode()


class ArgoCD:
    """The line that a script for Argo CD Image Updater must print.

    The updater's setting is `credentials: ext:/script`.
    """

    FILE = FILE
    OPTIONS = OPTIONS
    CONSUMERS = CONSUMERS

    def render(self, logins: Sequence[Login], _options: Options) -> bytes:
        """Return user:password as one line."""
        entries.refuse_tokens(logins, "Argo CD Image Updater")
        line = entries.pair(entries.only(logins, "a script"))
        entries.refuse_lines(line, "the password")
        return f"{line}\n".encode()


ARGOCD = ArgoCD()
READER = "who reads user:password"


def check(data: bytes) -> Iterator[Finding]:
    """Check user:password."""
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
        yield fine(ENTRY, f"the user {findings.shown(user)}")
    if line.endswith("\n"):
        yield note(
            ENTRY,
            "it ends in a newline: Argo CD Image Updater cuts it off, base64 does not",
        )


class Password:
    """The password alone, without a newline: --password-stdin, password files."""

    FILE = "password"
    OPTIONS = OPTIONS
    CONSUMERS = CONSUMERS
    READER = "who reads a password"

    def render(self, logins: Sequence[Login], _options: Options) -> bytes:
        """Return the password."""
        entries.refuse_tokens(logins, self.READER)
        return entries.only(logins, "a password").credential.secret.encode()

    def check(self, data: bytes) -> Iterator[Finding]:
        """Check for line breaks; nothing of the password is shown."""
        password = data.removesuffix(b"\n")
        if not password:
            yield error(ENTRY, "there is no password")
        elif b"\n" in password or b"\r" in password:
            yield error(
                ENTRY, "it has more than one line: the password goes on in the next"
            )
        else:
            yield fine(ENTRY, "there is a password")
        if data.endswith(b"\n"):
            yield note(
                ENTRY,
                "it ends in a newline: `docker login` cuts it off, others may not",
            )


PASSWORD = Password()
